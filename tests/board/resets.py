"""Resets of a running board: programs/resetting.py as its main.py, a host that writes one of its maps, and what each boot said."""

import random
import re
import time
from ast import literal_eval
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from struct import pack

import serial
from mpremote.transport_serial import SerialTransport

from boardmaps.abi import OP_UPDATE
from boardmaps_host.client.session import ClientSession, Lost, Reply, Text
from boardmaps_sim.process_board import ProcessBoard
from tests.waits import PATIENCE

PROGRAM = Path(__file__).parent / "programs" / "resetting.py"
MAPS = 11
_KEYS, _OTHER = 6, 0x15A5A5A5  # the program's
# To a REPL that may have a part of what the host says in its line, or be a raw one: clear the line, leave a raw one, reset.
_RESET = b"\x03\x02\x03\x04"
_LONG = PATIENCE / 2  # seconds; no boot takes so long
_QUIET = 0.05  # seconds without a byte behind which what was printed is looked at
VIPER = """
import sys
class config: KERNELS, GUARD, POOL_SIZE = "viper", "irq", 16384
sys.modules["boardmaps_config"] = config
"""
SMALLER = """
import sys
class config: POOL_SIZE, GUARD = 16384, "irq+lock"
sys.modules["boardmaps_config"] = config
"""


@dataclass
class Said:
    """What the boots said: how many, maps that were found again and were not, and what was wrong."""

    boots: int = 0  # those that said their line
    interrupted: int = 0  # those that a byte 3 of a request ended before that, which was under way at the reset
    ids: set[str] = field(default_factory=set)  # of the boots, by which a host tells one from the other
    opened: int = 0
    discarded: list[tuple[str, str, str]] = field(default_factory=list)
    worst: int = 0  # maps that one reset lost
    lost: int = 0  # resets that lost a map of which no kernel was changing anything
    by_host: int = 0  # operations of the host that were answered
    wrong: list[str] = field(default_factory=list)


class Host:
    """A host that writes the map "w" while the board's program runs: operation n as the program's own, one after the other."""

    def __init__(self, rng: random.Random) -> None:
        self._session = ClientSession(rng)
        self._map = self.done = self.answered = 0
        self._hello_at = self._heard = 0.0
        self.active = False

    def found(self, map_id: int, last: int, *, lost: bool) -> bool:
        """Take up what a boot found in the map; return whether it is what this host knows of it."""
        right = last in (self.done, self.done + 1) or lost
        self._map, self.done = map_id, last
        self._session.renew()
        self.active, self._hello_at, self._heard = True, 0.0, time.monotonic()
        return right

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what came, nothing when the line was quiet; return the text in it, and what is to be said at once."""
        text = b""
        events, answer = self._session.receive(data, time.monotonic())
        # half a frame waits for its rest, on a busy machine for long; a line that the program has printed is no frame's
        quiet = self._session.idle() if not data and b"\r\n" in self._session.held() else None
        for event in (*events, quiet):
            if isinstance(event, Text):
                text += event.data
            elif isinstance(event, Reply) and event.payload[:1] == b"\0":
                self.done += 1
                self.answered += 1
            elif isinstance(event, Lost):
                self._session.renew()
        return text, answer

    def said(self) -> bytes:
        """Return what is to be said now."""
        now = time.monotonic()
        if not self.active:
            return b""
        if not self._session.opened:
            if now < self._hello_at:
                return b""
            self._hello_at = now + max(0.2, (now - self._heard) / 2)  # a slow board has so much to answer
            return self._session.hello()
        if self._session.expecting:
            return self._session.due(now)
        n = self.done + 1
        value = pack("<II", n, n ^ _OTHER)
        return self._session.send(pack("<BHIHI", OP_UPDATE, self._map, 0, 4, n % _KEYS) + value, now)[1]

    def bye(self) -> bytes:
        """Return what ends the session, and be quiet."""
        self.active = False
        return self._session.bye()


class Tracebacks:
    """What the lines of tracebacks tell."""

    def __init__(self) -> None:
        self._in_handler = self._typed = False

    def ended(self, words: str) -> str:
        """Return what a traceback that ends with this line has ended, "wrong" for an error that nobody asked for, else ""."""
        self._in_handler |= "uncaught" in words
        self._typed |= words.startswith('File "<stdin>"')  # of what a REPL took for a program
        if "uncaught" in words or words.startswith(("Traceback", "File")):
            return ""
        if "KeyboardInterrupt:" in words or "RuntimeError: crash" in words:
            found = "the handler" if self._in_handler else "the program"  # behind the first the program goes on
        elif self._in_handler or "Error" in words:
            found = "" if self._typed else "wrong"
        else:
            return ""
        self._in_handler = self._typed = False
        return found


def reset_often(board: ProcessBoard, platform: str, boots: int, before: str = "", seed: int = 1) -> Said:
    """Have a running board start so many times; return what it said."""
    repl = SerialTransport(board.port, wait=0)
    repl.enter_raw_repl(soft_reset=False)
    code = f"PLATFORM, BOOTS = {platform!r}, {boots}\n{before}\n{PROGRAM.read_text()}"
    repl.exec(f"with open('main.py', 'w') as f:\n    f.write({code!r})")
    repl.close()
    rng, said = random.Random(seed), Said()
    host = Host(rng)
    with serial.Serial(board.port, 115200, timeout=_QUIET) as port:

        def at_some_instant(what: bytes) -> None:
            time.sleep(rng.random() / 20)
            port.write(what)

        port.write(b"\x02\x04")  # out of the raw REPL, and a soft reset
        deadline = time.monotonic() + PATIENCE
        pending = b""
        asked = unasked = False  # for the KeyboardInterrupt that comes; whether one came for which nobody had asked
        tracebacks = Tracebacks()
        again_at = inf  # when a reset is asked for once more
        while time.monotonic() < deadline:
            if time.monotonic() > again_at:
                again_at = time.monotonic() + _LONG
                port.write(_RESET)
            text, answer = host.take(port.read(port.in_waiting or 1))
            *lines, pending = (pending + text).split(b"\n")
            for line in lines:  # all before the host says more: one may tell that the board has started
                words = line.decode(errors="replace").strip()
                told = re.search(r"boot (\d+) (\w+) (\d+) (\[.*\]) (\[.*\]) (\d+) (\d+)$", words)
                if told:
                    deadline = time.monotonic() + PATIENCE
                    _take(told, said, host, unasked)
                    asked = unasked = False
                    tracebacks, again_at = Tracebacks(), inf
                elif words.endswith("bye"):  # before it may stand what a reset has left of a frame
                    port.write(host.bye())
                elif words.endswith("soft"):
                    time.sleep(rng.random() / 20)
                    at_some_instant(b"\x03")
                    asked = True
                elif words.endswith("done"):
                    said.by_host = host.answered
                    return said
                elif (ended := tracebacks.ended(words)) == "the program":
                    unasked |= "KeyboardInterrupt:" in words and not asked
                    at_some_instant(_RESET)
                    again_at = time.monotonic() + _LONG
                elif ended == "the handler" and asked:
                    at_some_instant(b"\x03")
                elif ended == "wrong":
                    said.wrong.append(words)
            port.write(answer + host.said())
    said.wrong.append(f"the board said nothing for {PATIENCE:.0f} s: {pending!r}")
    return said


def _take(told: re.Match[str], said: Said, host: Host, unasked: bool) -> None:
    number, opened, lost, wrong, map_id, last = (literal_eval(part) for i, part in enumerate(told.groups()) if i != 1)
    said.boots += 1
    said.ids.add(told[2])
    if unasked and number == said.boots + said.interrupted + 1:
        said.interrupted += 1
    written = host.done
    if not host.found(map_id, last, lost=any(name == "w" for name, _, _ in lost)):
        wrong.append(("w", f"the host had written {written}, and there was {last}"))
    if number > 1:
        said.opened += opened
        said.discarded += lost
        said.worst = max(said.worst, MAPS - opened)
        changed = sum("a change of the map was under way" in why for _, _, why in lost)
        said.lost += MAPS - opened > changed
    if wrong:
        said.wrong.append(f"boot {number}: {wrong}")
