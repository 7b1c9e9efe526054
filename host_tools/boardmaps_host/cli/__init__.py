"""The command `boardmaps`. Parsing and printing live here and nowhere else; what it does is in the packages beside it.

Exit status: 0 done, 1 refused or failed (also a key that is not there), 2 wrong usage, 130 after Ctrl-C (0 of export,
record and sim, which are ended so), 141 when the reader of a pipe went away. Errors are one line on stderr,
with --json also {"error": "..."} on stdout.

Nothing is imported here before main() runs: a Ctrl-C while the modules load must find somebody who handles it.
"""

import sys


def main(args: list[str] | None = None) -> None:
    """Run the command with `args` (the process's own when None) and leave the process with its exit status."""
    try:
        from .run import run  # not at the top: see above

        status = run(sys.argv[1:] if args is None else args)
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
