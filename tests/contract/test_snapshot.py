"""A snapshot, its restore and a snapshot of that: the same bytes, on every target, and what a restore refuses."""

from binascii import crc32
from struct import pack

import pytest

from boardmaps import (
    BloomFilter,
    HashMap,
    InvalidDefinition,
    StaleMap,
)
from boardmaps.abi import OP_RESTORE, RESTORE_BEGIN, RESTORE_DATA, RESTORE_END
from boardmaps_host import Board
from boardmaps_host.client.info import answer
from boardmaps_host.state.snapshot import Snapshot
from boardmaps_host.twin import Registry
from tests.filled import fill


def change(board: Board) -> None:
    board.map("temps").update(b"another\0", b"1234")
    board.map("numbers").clear()
    board.map("waiting").clear()
    board.map("routes").delete(b"\x10\0\0\0\x0a\1\0\0")


def test_a_snapshot_its_restore_and_a_snapshot_are_the_same_bytes(board: Board) -> None:
    fill(board)
    before = board.snapshot()
    assert (before.changed, before.left_out) == ([], {})
    assert [one.name for one in before] == ["temps", "numbers", "waiting", "log", "series", "routes", "cores"]
    assert Snapshot.from_bytes(before.to_bytes()) == before
    change(board)
    assert board.snapshot() != before
    done = board.restore(before)
    assert (done.maps, done.made, done.left_out) == ([one.name for one in before], [], [])
    assert board.snapshot().to_bytes() == before.to_bytes()
    assert board.map("temps").lookup(b"kitchen\0") == b"kitc"
    board.map("temps").update(b"restored", b"1234")
    assert board.map("temps").lookup(b"restored") == b"1234"
    board.pool.reset()
    made = board.restore(before)
    assert made.made == made.maps
    assert board.snapshot().to_bytes() == before.to_bytes()


def test_a_registry_takes_the_maps_and_gives_them_back(board: Board) -> None:
    fill(board)
    if board.info["profile"] != "cloud":  # the twin's own filters have functions of their own
        board.create_map(BloomFilter, value_size=4, max_entries=20, name="seen").push(b"abcd")
    field = board.snapshot()
    with Registry() as twin:
        loaded = {m.name: m for m in twin.load(field)}
        assert [one.data for one in twin.snapshot()] == [one.data for one in field]
        assert loaded["temps"].lookup(b"kitchen\0") == b"kitc"  # type: ignore[attr-defined]
        if "seen" in loaded:
            assert loaded["seen"].peek(b"abcd")  # type: ignore[attr-defined]
            loaded["seen"].push(b"twin")  # type: ignore[attr-defined]
        loaded["temps"].update(b"of twin\0", b"1234")  # type: ignore[attr-defined]
        loaded["routes"].update(b"\x18\0\0\0\x0a\1\2\0", b"most")  # type: ignore[attr-defined]
        back = twin.snapshot()
    board.restore(back)
    assert board.map("temps").lookup(b"of twin\0") == b"1234"
    assert board.map("routes").lookup(b"\x20\0\0\0\x0a\1\2\3") == b"most"
    assert [one.data for one in board.snapshot()] == [one.data for one in back]


def test_a_map_that_is_not_restored_whole_cannot_be_used(board: Board) -> None:
    if board.info["profile"] == "cloud":
        return  # it takes no bytes over the line
    temps = board.create_map(HashMap, key_size=8, value_size=4, max_entries=8, name="temps")
    temps.update(b"kitchen\0", b"warm")
    good = board.snapshot()
    whole = good["temps"].data

    def send(data: bytes) -> None:
        begin = pack("<BBBHH", OP_RESTORE, RESTORE_BEGIN, 0, 1, temps.id) + data[:96]
        staged = answer(board.link.request(begin)) == b"\1"
        for at in range(0, len(data), 128):
            answer(board.link.request(pack("<BBI", OP_RESTORE, RESTORE_DATA, at) + data[at : at + 128]))
        if staged:
            answer(board.link.request(pack("<BBI", OP_RESTORE, RESTORE_END, crc32(data))))

    other = bytearray(whole)
    other[24] ^= 1  # max_entries
    with pytest.raises(InvalidDefinition, match="another map; nothing was changed"):
        send(bytes(other))
    assert temps.lookup(b"kitchen\0") == b"warm"
    broken = bytearray(whole)
    broken[96:112] = b"\7\0" * 8  # heads that lead to no entry
    with pytest.raises(StaleMap, match="not whole"):
        send(bytes(broken))
    for use in (lambda: temps.lookup(b"kitchen\0"), lambda: temps.update(b"kitchen\0", b"cold"), temps.clear):
        with pytest.raises(StaleMap, match="restore"):
            use()
    assert [info.name for info in board.maps()] == ["temps"], "it is still told"
    assert board.pool.read()[69] == 128, "the mark"
    board.restore(good)
    assert temps.lookup(b"kitchen\0") == b"warm"
    assert board.snapshot() == good
