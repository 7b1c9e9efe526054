"""Prove with Frama-C that the kernels in core/ touch no byte outside their slice and the caller's buffers.

    python -m tests.kernels.proofs                     prove all (half an hour), write docs/proofs.md
    python -m tests.kernels.proofs --only hash ring    prove those whose names begin so, print what came of it

An alarm, a precondition of the C library that is not shown to hold, or a layout that is not walked to its end is no proof.
"""

import argparse
import sys

from tests.kernels.proofs.run import PAGE, page, proofs_named, prove


def main() -> int:
    """Return 1 when anything is not proven."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="the proofs whose names begin so")
    given = parser.parse_args()
    outcomes = []
    for proof in proofs_named(given.only):
        outcomes.append(prove(proof))
        print(outcomes[-1].line(), flush=True)
    if not given.only:
        PAGE.write_text(page(outcomes))
        print(f"wrote {PAGE}")
    return int(not outcomes or any(outcome.wrong for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
