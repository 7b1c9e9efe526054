"""Several changes as one, on every target: all of them hold, or none."""

from collections.abc import Callable
from struct import pack
from typing import Any

import pytest

from boardmaps import (
    BPF_EXIST,
    BPF_F_RDONLY,
    BPF_NOEXIST,
    ArrayMap,
    HashMap,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    Queue,
)
from boardmaps.abi import OP_COMMIT, OP_COMMITTED, OP_DELETE, OP_EXPECT, OP_UPDATE, OP_UPDATE_PART
from boardmaps_host import Board
from boardmaps_host.client.commit import Commit
from boardmaps_host.client.info import ask
from boardmaps_host.client.maps.base import RemoteMap

A, B, C = b"aaaaaaaa", b"bbbbbbbb", b"cccccccc"
ONE, TWO = bytes([1] * 8), bytes([2] * 8)


@pytest.fixture
def table(board: Board) -> RemoteMap:
    made = board.create_map(HashMap, name="table", key_size=8, value_size=8, max_entries=2)
    made.update(A, ONE)
    return made


@pytest.fixture
def row(board: Board) -> RemoteMap:
    return board.create_map(ArrayMap, name="row", value_size=8, max_entries=4)


def test_all_hold_behind_the_block_and_none_within(board: Board, table: RemoteMap, row: RemoteMap) -> None:
    with board.commit() as commit:
        table.update_part(A, 2, b"xy")  # type: ignore[attr-defined]
        row.update(3, TWO)
        table.update(B, TWO, BPF_NOEXIST)
        commit.add(row, 0, 7)
        commit.add(row, 3, 300, 6, 2)
        commit.add(row, 0, -8, 4, 4)
        assert (table.lookup(A), table.lookup(B), row.lookup(3)) == (ONE, None, bytes(8))
        assert len(commit) == 6
    assert dict(table.items()) == {A: b"\1\1xy\1\1\1\1", B: TWO}
    assert row.lookup(3) == TWO[:6] + (0x0202 + 300).to_bytes(2, "little")
    assert row.lookup(0) == pack("<Ii", 7, -8)


def test_each_change_is_looked_at_behind_those_before_it(board: Board, table: RemoteMap, row: RemoteMap) -> None:
    table.update(B, TWO)
    with board.commit():  # the table is full
        table.delete(A)
        table.update(C, ONE, BPF_NOEXIST)
        table.update_part(C, 0, b"z")  # type: ignore[attr-defined]
        table.delete(C)
        table.update(A, TWO, BPF_NOEXIST)
        table.update(A, ONE, BPF_EXIST)
        row.delete(1)
    assert dict(table.items()) == {A: ONE, B: TWO}


def make(board: Board, *changes: Callable[[Commit], object]) -> None:
    """Make these changes in a commit."""
    with board.commit() as commit:
        for change in changes:
            change(commit)


WRONG: tuple[tuple[Callable[[Any, Any], object], type[MapError]], ...] = (
    (lambda table, _: table.update(A, TWO, BPF_NOEXIST), KeyExists),
    (lambda table, _: table.update(C, TWO, BPF_EXIST), KeyNotFound),
    (lambda table, _: table.update(A, TWO, 3), InvalidFlags),
    (lambda table, _: table.delete(C), KeyNotFound),
    (lambda table, _: [table.update(key, ONE) for key in (B, C)], OutOfMemory),
    (lambda table, _: table.update_part(C, 0, b"z"), KeyNotFound),
    (lambda table, _: table.update_part(A, 4, b"12345"), InvalidValueSize),
    (lambda _, row: row.update(4, TWO), KeyNotFound),
    (lambda _, row: row.update(1, TWO, BPF_NOEXIST), KeyExists),
    (lambda table, _: [table.delete(A), table.update_part(A, 0, b"z")], KeyNotFound),
)


def test_one_that_cannot_be_made_leaves_all_as_it_was(board: Board, table: RemoteMap, row: RemoteMap) -> None:
    for wrong, error in WRONG:
        with pytest.raises(error, match=r"commit, change \d: .*; nothing was changed"):
            make(
                board,
                lambda _: table.update(A, TWO),
                lambda _: row.update(0, TWO),
                lambda _, change=wrong: change(table, row),  # type: ignore[misc]
                lambda _: row.update(1, TWO),
            )
        assert dict(table.items()) == {A: ONE}
    assert [value for _, value in row.items()] == [bytes(8)] * 4


def test_nothing_is_made_unless_entries_hold_what_is_expected(board: Board, table: RemoteMap, row: RemoteMap) -> None:
    with board.commit() as commit:
        table.update(A, TWO)
        commit.expect(table, A, ONE)  # before the first change
        commit.expect(row, 3, b"\0\0", 6)
        row.update(3, TWO)
    for error, text, expected in (
        (MapError, "change 2: expect 'table': the entry holds something else", (table, A, ONE, 0)),
        (MapError, "change 2: expect 'row': the entry holds something else", (row, 3, b"\2\1", 6)),
        (MapError, "change 2: expect 'row': the entry holds something else", (row, 3, b"\2\2", 7)),
        (KeyNotFound, "change 2: expect 'table': no such key", (table, C, b"", 0)),
        (KeyNotFound, "change 2: expect 'row': no such key", (row, 4, b"", 0)),
    ):
        with pytest.raises(error, match=text):
            make(board, lambda _: table.update(A, ONE), lambda commit, of=expected: commit.expect(*of))  # type: ignore[misc]
        assert (table.lookup(A), row.lookup(3)) == (TWO, TWO)
    with pytest.raises(NotSupported, match="no operation has the number 46"):
        ask(board.link, bytes((OP_EXPECT,)) + table.id.to_bytes(2, "little") + pack("<IH", 0, 8) + A)


def test_a_block_that_raises_sends_nothing(board: Board, table: RemoteMap) -> None:
    with pytest.raises(ZeroDivisionError):
        make(board, lambda _: table.update(A, TWO), lambda _: 1 // 0)
    assert table.lookup(A) == ONE
    with board.commit():
        pass


def test_rights_are_looked_at_before_anything_is_made(board: Board, table: RemoteMap, row: RemoteMap) -> None:
    closed = board.create_map(ArrayMap, name="closed", value_size=8, max_entries=1, map_flags=BPF_F_RDONLY)
    queue = board.create_map(Queue, name="jobs", value_size=8, max_entries=4)
    row.freeze()
    for error, text, change in (
        (NotPermitted, "change 2: update 'closed': the map is read-only", lambda _: closed.update(0, TWO)),
        (NotPermitted, "change 2: add 'row': the map is frozen", lambda commit: commit.add(row, 0, 1)),
        (NotSupported, "change 2: update 'jobs': a Queue takes no part", lambda _: queue.push(TWO)),
        (NotSupported, "a commit takes update", lambda _: queue.pop()),
        (NotSupported, "use the commit's own add", lambda _: table.add(A, 1)),
        (MapError, "another one has begun", lambda _: make(board)),
    ):
        with pytest.raises(error, match=text):
            make(board, lambda _: table.update(A, TWO), change)
        assert table.lookup(A) == ONE


def test_what_no_host_of_ours_sends_is_refused_and_changes_nothing(board: Board, table: RemoteMap) -> None:
    head = bytes((OP_UPDATE,)) + table.id.to_bytes(2, "little")
    good = head + pack("<IH", 0, 8) + A + TWO
    part = bytes((OP_UPDATE_PART,)) + head[1:]
    for changes, error in (
        ([good, b""], MapError),
        ([good, head], MapError),
        ([good, head + pack("<IH", 0, 7) + A[:7] + TWO], InvalidKeySize),
        ([good, head + pack("<IH", 0, 8) + A + TWO[:7]], InvalidValueSize),
        ([good, part + pack("<IH", 8, 8) + A + b"z"], InvalidValueSize),
        ([good, bytes((OP_COMMIT,)) + head[1:]], NotSupported),
        ([good, bytes((OP_DELETE,)) + b"\xff\xff" + A], MapError),
    ):
        with pytest.raises(error):
            ask(board.link, bytes((OP_COMMIT,)) + b"".join(pack("<H", len(c)) + c for c in changes))
    with pytest.raises(MapError, match="cut short"):
        ask(board.link, bytes((OP_COMMIT,)) + pack("<H", len(good)) + good + b"\1")
    for withdraw in (0, 1):
        assert ask(board.link, bytes((OP_COMMITTED,)) + pack("<IB", 9999, withdraw)) is None
    assert table.lookup(A) == ONE


def test_a_commit_that_no_frame_holds(board: Board) -> None:
    big = board.create_map(ArrayMap, name="big", value_size=700, max_entries=3)
    with board.commit():
        for i in range(3):
            big.update(i, bytes([i + 1] * 700))
    assert [value[:1] + value[-1:] for _, value in big.items()] == [b"\1\1", b"\2\2", b"\3\3"]


def test_records_and_fields_by_name(board: Board) -> None:
    value = "temp:i16/100(5..35=21), mode:u8{off,heat,cool}, runs:u32!, name:4s"
    board.create_map(HashMap, name="rooms", key="room:8s", value=value, max_entries=4)
    board.create_map(ArrayMap, name="heaters", value="power:u16(0..2000), on:bool", max_entries=2)
    rooms, heaters = board.maps.rooms, board.maps.heaters
    rooms["kitchen"] = {"temp": 20, "name": "k"}
    rooms.force["kitchen"].runs = 7
    with board.commit():
        rooms["kitchen"].temp = 21.5
        rooms.change("kitchen", {"mode": "heat", "name": "abc"})
        heaters[1].power = 1500
        heaters[1].on = True
        rooms["bath"] = {"mode": "cool"}
    assert dict(rooms["kitchen"]) == {"temp": 21.5, "mode": "heat", "runs": 7, "name": "abc"}
    assert dict(heaters[1]) == {"power": 1500, "on": True}
    assert dict(rooms["bath"]) == {"temp": 21, "mode": "cool", "runs": 0, "name": ""}
    with board.commit():
        rooms["kitchen"] = {"name": "new"}
    assert dict(rooms["kitchen"]) == {"temp": 21, "mode": "off", "runs": 7, "name": "new"}
