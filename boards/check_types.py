"""Type-check the board's modules against MicroPython's stubs of the unix port and of the Pico: python boards/check_types.py.

`make lint` runs it. The modules have few annotations, since those cost bytes on a board; what mypy then finds are names and
functions that MicroPython lacks, calls with wrong arguments, and operations on what cannot do them.
"""

import os
import subprocess
import sys
from pathlib import Path

from boardmaps_host.cli.check import gather_stubs, stubs_of

PROJECT = Path(__file__).resolve().parents[1]
BOARDS = ("unix", "pico")
# Without annotations mypy takes the first value of an attribute for its only type, hence the errors left out for all. The
# maps get most of their methods from a kernel when they are made: what a map has is for the tests to say.
CONFIG = """\
[mypy]
check_untyped_defs = True
follow_imports = silent
follow_imports_for_stubs = True
explicit_package_bases = True
disable_error_code = var-annotated, union-attr, assignment, misc

[mypy-boardmaps.maps.*]
disable_error_code = attr-defined, method-assign, arg-type, var-annotated, union-attr, assignment, misc

[mypy-boardmaps_config,_boardmaps,termios,socket]
ignore_missing_imports = True

[mypy-_mpy_shed.*]
ignore_errors = True
"""


def main() -> int:
    """Check for each board; 1 when mypy found something."""
    package = PROJECT / "firmware" / "boardmaps"
    # The package's own names are in its stub, which the users' programs are checked against.
    modules = sorted(str(file) for file in package.rglob("*.py") if file.name != "__init__.py")
    failed = 0
    for board in BOARDS:
        folder = PROJECT / "build" / "stubs" / board
        gather_stubs(folder, stubs_of(board))
        (folder / "mypy.ini").write_text(CONFIG)
        words = [sys.executable, "-m", "mypy", "--config-file", str(folder / "mypy.ini"), "--platform", "micropython"]
        words += ["--custom-typeshed-dir", str(folder), "--cache-dir", str(folder / "cache"), *modules]
        path = os.pathsep.join([str(folder), str(package.parent)])
        print(f"{board}: ", end="", flush=True)
        failed |= subprocess.run(words, env=os.environ | {"MYPYPATH": path}, cwd=PROJECT, check=False).returncode
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
