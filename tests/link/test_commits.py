"""Commits: all or none, once, whatever the line and the board do; at the firmware's tick() where it calls that."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from boardmaps import ArrayMap, MapError, tick
from boardmaps.abi import OP_COMMIT
from boardmaps_host import connect
from boardmaps_host.client.commit import Commit
from boardmaps_host.client.errors import OutcomeUnknown
from boardmaps_host.client.link import Link
from boardmaps_host.client.transports.twin import TwinTransport
from boardmaps_host.twin import Registry
from boardmaps_host.typed.records import TypedMap
from soak import commits
from soak.commits import on_the_unix_board, simulated
from tests.firmware import running
from tests.waits import PATIENCE


@pytest.mark.parametrize("ticks", [False, True], ids=["poll", "tick"])
def test_none_is_torn_lost_or_doubled_under_faults(ticks: bool) -> None:
    outcomes, wrong = simulated(3, 400, ticks, 3000)
    assert wrong == []
    assert outcomes["done"] > 300
    assert outcomes["unknown"] > 5
    assert outcomes["restarts"] > 5


def test_changes_that_are_no_commit_are_found_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_by_one(link: Link, numbers: tuple[int, int], i: int, outcomes: Counter[str]) -> None:
        for change in commits.changes(*numbers, i):
            link.request(change)
        outcomes["done"] += 1

    monkeypatch.setattr(commits, "made", one_by_one)
    _, wrong = simulated(3, 3, False, 0)
    assert any("torn" in one for one in wrong)


def test_on_a_real_board_behind_a_bad_line() -> None:
    outcomes, wrong = on_the_unix_board(1, 60, True)
    assert wrong == []
    assert outcomes["done"] == 60


def test_beside_a_server_in_a_thread_of_its_own(tmp_path: Path) -> None:
    """The firmware looks while it has the lock that the server was given, and calls tick() without it."""
    program = commits.FIRMWARE % True
    for old, new in (
        (
            "server = boardmaps.Server(idle=5)",
            "import _thread\nlock = _thread.allocate_lock()\nboardmaps.serve_thread(guard=lock)",
        ),
        ("    server.poll(2)\n    look(not ticks)", "    with lock:\n        look(not ticks)"),
        ("        look(True)", "        with lock:\n            look(True)"),
    ):
        assert old in program
        program = program.replace(old, new)
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    with running(tmp_path, program) as board, connect(board.port, share=False, timeout=PATIENCE) as one:
        commits.many(one, 30, outcomes, wrong)
    assert (wrong, outcomes) == ([], Counter(done=30))


def test_what_the_board_has_forgotten_is_unknown() -> None:
    class Forgetful(Link):
        """A board that has made many commits since."""

        def request(self, payload: bytes, changes: bool = True, boot: str | None = None) -> bytes:  # noqa: ARG002
            return b"\0\0\1\0\0\0" if payload[0] == OP_COMMIT else b"\x7f"

    with Registry():
        link = Forgetful(TwinTransport(False))
        commit = Commit(link)
        commit.stage(b"a change")
        with pytest.raises(OutcomeUnknown, match="all of it may have been made, once, or nothing"):
            commit.make()


class Firmware(threading.Thread):
    """A program on the twin, in a thread of its own, which calls tick() as often as it is told."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.told = threading.Semaphore(1)
        self.ticked = threading.Semaphore(0)
        self.over = False
        self.start()
        assert self.ticked.acquire(timeout=PATIENCE)

    def run(self) -> None:
        while self.told.acquire() and not self.over:
            tick()
            self.ticked.release()

    def stop(self) -> None:
        self.over = True
        self.told.release()
        self.join(PATIENCE)


def test_the_twin_waits_for_a_tick_of_another_thread() -> None:
    with Registry(), connect("twin", timeout=PATIENCE) as board:
        row = ArrayMap.typed("row", value="a:u16, b:u16", max_entries=2)
        firmware = Firmware()
        try:
            threading.Timer(0.05, firmware.told.release).start()
            with board.commit():
                board.maps.row[0].a = 1
                board.maps.row[1].b = 2
            assert firmware.ticked.acquire(timeout=PATIENCE)
            assert dict(TypedMap(row)[0]) == {"a": 1, "b": 0}
            assert dict(TypedMap(row)[1]) == {"a": 0, "b": 2}
        finally:
            firmware.stop()
        with board.commit():  # nobody is there any more who calls it
            board.maps.row[0].b = 7
        assert TypedMap(row)[0].b == 7


def test_a_firmware_that_calls_tick_no_more_is_told_and_nothing_holds_later() -> None:
    with Registry(), connect("twin", timeout=0.2) as board:
        row = ArrayMap(4, 1, name="row")
        firmware = Firmware()
        try:
            m = board.map("row")
            with pytest.raises(MapError, match=r"has not called tick\(\) for 0.2 s; it is withdrawn"), board.commit():
                m.update(0, b"late")
            firmware.told.release()
            assert firmware.ticked.acquire(timeout=PATIENCE)
            assert row.lookup(0) == bytes(4)
        finally:
            firmware.stop()


def test_what_cannot_be_made_at_the_tick_is_told_and_nothing_is_made() -> None:
    with Registry(), connect("twin", timeout=PATIENCE) as board:
        rows = [ArrayMap(4, 1, name=name) for name in ("one", "two")]
        firmware = Firmware()
        try:

            def freeze_and_tick() -> None:
                rows[1].freeze()
                firmware.told.release()

            threading.Timer(0.1, freeze_and_tick).start()
            one, two = board.map("one"), board.map("two")
            with pytest.raises(MapError, match="change 2: update 'two': the map is frozen"), board.commit():  # noqa: PT012
                one.update(0, b"new!")
                two.update(0, b"new!")
            assert rows[0].lookup(0) == bytes(4)
        finally:
            firmware.stop()
