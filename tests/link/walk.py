"""The command of orders.py: walk through all orders, or go through one of them again and say what follows from each step."""

import argparse
import time

from tests.link.mistakes import PLANTED, Planted
from tests.link.orders import SCENARIOS


def main() -> None:
    parser = argparse.ArgumentParser(description="Walk through every order, or go through one of them again.")
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("order", nargs="?", help="steps, as a failure prints them; without it all orders are walked")
    parser.add_argument("--faults", type=int, default=2)
    parser.add_argument("--planted", choices=PLANTED, help="with a mistake in the code")
    given = parser.parse_args()
    planted = PLANTED.get(given.planted) or Planted("", given.scenario, faults=given.faults)
    with planted.walk(given.planted) as walk:
        if given.order is not None:
            for line in walk.replay(given.order):
                print(line)
            return
        begun = time.process_time()
        states = walk.run()
    print(f"{states:,} states, {walk.ends.asked:,} times the real code, {time.process_time() - begun:.1f} s")


if __name__ == "__main__":
    main()
