"""Commits through the hub, and the journal of them."""

import os

import pytest

from boardmaps.errors import KeyNotFound
from boardmaps_host.share import meeting
from boardmaps_host.share.journal import read
from boardmaps_sim.unix import UnixBoard
from tests.share.conftest import Connect, clean
from tests.waits import eventually


def test_a_commit_is_one_step_and_the_journal_has_its_changes(attach: Connect, unix: UnixBoard) -> None:
    """Made in poll(), and then at tick()."""
    board, other = attach(), attach()
    clean(board)
    temps, hits, said = board.map("temps"), board.map("hits"), board.map("said")
    hall, zero, three = b"hall\0\0\0\0", bytes(4), (3).to_bytes(8, "little")
    for tick in (False, True):
        if tick:
            said.update(0, b"\3\0\0\0")
            assert eventually(lambda: said.lookup(0) == bytes(4))
        hits.update(0, three)
        with board.commit() as commit:
            commit.expect(hits, 0, three)
            temps.update(hall, zero)
            temps.update_part(hall, 1, b"\2")  # type: ignore[attr-defined]
            commit.add(hits, 0, 256)
            temps.delete(hall)
        with pytest.raises(KeyNotFound), other.commit():
            other.map("temps").delete(hall)
        assert other.map("hits").lookup(0) == (259).to_bytes(8, "little")
    for one in (board, other):
        one.close()
    wanted = [
        ("commit update", "temps", None, "00000000"),
        ("commit update_part", "temps", "00000000", "00020000"),
        ("commit add", "hits", "0300000000000000", "0301000000000000"),
        ("commit delete", "temps", "00020000", None),
    ] * 2
    path = meeting.Place(os.path.abspath(unix.port)).journal

    def entries() -> list[tuple[str, ...]]:
        found = [entry for entry in read(path) if entry["operation"].startswith("commit")]
        return [(e["operation"], e["map"], e["before"], e["after"]) for e in found]

    assert eventually(lambda: len(entries()) == 8)
    assert entries() == wanted
