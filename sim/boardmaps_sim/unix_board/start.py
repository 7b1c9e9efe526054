# mypy: ignore-errors
"""Entered at power on: `micropython -i start.py IMAGE STATUS_FD RUN_MAIN`; the REPL follows. Runs on MicroPython."""

import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import rom

rom.boot(globals(), *sys.argv[1:])
