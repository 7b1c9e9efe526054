"""Schemas for long: `python -m soak.schemas`. 10,000 random ones with random bytes, each on the computer, on MicroPython's unix
port and by the struct module. Any difference is an error.
"""

import random
import sys
import time

from bench.report import Row, none, publish
from boardmaps.schema import Schema
from tests.board.conftest import on_unix
from tests.typed.schemas import drawn, joined, some_fields, there_and_back, told

_ALL = 10_000
_AT_ONCE = 200  # in one program of MicroPython's


def run(code: str) -> str:
    """Run a program on MicroPython; return what it printed."""
    failed, output = on_unix(code, "8M")
    if failed:
        raise AssertionError(output)
    return output


def main() -> int:
    """Print the table; return 1 when something differed."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    start = time.monotonic()
    wrong = 0
    for _ in range(_ALL // _AT_ONCE):
        texts, data = [], []
        try:
            for _ in range(_AT_ONCE):
                fields = some_fields(rng)
                there_and_back(fields, rng)
                texts.append(joined(fields))
                data.append(drawn(Schema(texts[-1]), rng))
            told(run, texts, data)
        except AssertionError as error:
            print(f"seed {seed}: {error}")
            wrong += 1
    rows = [none(f"random schemas and values, {_ALL:,}: different", wrong), Row("time", time.monotonic() - start, "s")]
    publish("schemas-soak", "Schemas, soaked", rows)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
