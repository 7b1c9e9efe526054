"""Resets of a running board: programs/resetting.py as its main.py, and what it said at each boot."""

import random
import re
import time
from ast import literal_eval
from dataclasses import dataclass, field
from pathlib import Path

import serial
from mpremote.transport_serial import SerialTransport

from boardmaps_sim.process_board import ProcessBoard
from tests.waits import PATIENCE

PROGRAM = Path(__file__).parent / "programs" / "resetting.py"
MAPS = 10
VIPER = """
import sys
class config: KERNELS, GUARD, POOL_SIZE = "viper", "irq", 16384
sys.modules["boardmaps_config"] = config
"""


@dataclass
class Said:
    """What the boots said: how many, maps that were found again and were not, and what was wrong."""

    boots: int = 0
    opened: int = 0
    discarded: list[tuple[str, str, str]] = field(default_factory=list)
    worst: int = 0  # maps that one reset lost
    lost: int = 0  # resets that lost a map of which no kernel was changing anything
    wrong: list[str] = field(default_factory=list)


def reset_often(board: ProcessBoard, platform: str, boots: int, before: str = "", seed: int = 1) -> Said:
    """Have a running board start so many times; return what it said."""
    repl = SerialTransport(board.port, wait=0)
    repl.enter_raw_repl(soft_reset=False)
    code = f"PLATFORM, BOOTS = {platform!r}, {boots}\n{before}\n{PROGRAM.read_text()}"
    repl.exec(f"with open('main.py', 'w') as f:\n    f.write({code!r})")
    repl.close()
    rng, said = random.Random(seed), Said()
    with serial.Serial(board.port, 115200, timeout=1) as port:
        port.write(b"\x02\x04")  # out of the raw REPL, and a soft reset
        deadline = time.monotonic() + PATIENCE
        pending = b""
        while time.monotonic() < deadline:
            pending += port.read(port.in_waiting or 1)
            line, found, rest = pending.partition(b"\n")
            if not found:
                continue
            pending, text = rest, line.decode(errors="replace").strip()
            told = re.search(r"boot (\d+) (\d+) (\d+) (\[.*\]) (\[.*\])$", text)
            if told:
                deadline = time.monotonic() + PATIENCE
                _take(told, said)
            elif text == "soft":
                time.sleep(rng.random() / 20)
                port.write(b"\x03")
                time.sleep(0.05)
                port.write(b"\x04")
            elif text == "done":
                return said
            elif "Error" in text or "uncaught" in text:
                said.wrong.append(text)
    said.wrong.append(f"the board said nothing for {PATIENCE:.0f} s: {pending!r}")
    return said


def _take(told: re.Match[str], said: Said) -> None:
    number, _, opened, lost, wrong = (literal_eval(part) for part in told.groups())
    said.boots += 1
    if number == 1:
        return  # nothing to find
    said.opened += opened
    said.discarded += lost
    said.worst = max(said.worst, MAPS - opened)
    changed = sum("a change of the map was under way" in why for _, _, why in lost)
    said.lost += MAPS - opened > changed
    if wrong:
        said.wrong.append(f"boot {number}: {wrong}")
