"""What the board starts: the rounds, and between two of them answers for the computer."""

import time

import boardmaps
from control import turns


def main():
    for pause in turns():
        boardmaps.poll()
        time.sleep_ms(pause)


boardmaps.run(main)  # what ends it is on record: `boardmaps postmortem`
