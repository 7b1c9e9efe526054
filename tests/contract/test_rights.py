"""What the host may not do: frozen, read-only and write-only maps."""

import pytest

from boardmaps import BPF_F_RDONLY, BPF_F_WRONLY, ArrayMap, HashMap, NotPermitted
from boardmaps_host import Board


def test_a_frozen_map_can_be_read_and_not_written(board: Board) -> None:
    m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=2, name="cold")
    m.update(b"a", b"1")
    assert not m.frozen
    m.freeze()
    assert m.frozen
    for write in (lambda: m.update(b"a", b"2"), lambda: m.delete(b"a"), lambda: m.lookup_and_delete(b"a"), m.freeze):
        with pytest.raises(NotPermitted, match="'cold'"):
            write()
    assert m.lookup(b"a") == b"1"
    assert dict(m.items()) == {b"a": b"1"}


def test_a_read_only_map(board: Board) -> None:
    m = board.create_map(ArrayMap, value_size=1, max_entries=2, map_flags=BPF_F_RDONLY, name="ro")
    for write in (lambda: m.update(0, b"2"), lambda: m.delete(0)):
        with pytest.raises(NotPermitted, match="read-only"):
            write()
    assert m.lookup(0) == b"\0"


def test_a_write_only_map(board: Board) -> None:
    m = board.create_map(HashMap, key_size=1, value_size=1, max_entries=2, map_flags=BPF_F_WRONLY, name="wo")
    m.update(b"a", b"1")
    for read in (lambda: m.lookup(b"a"), m.next_key, lambda: list(m.items()), lambda: m.lookup_and_delete(b"a")):
        with pytest.raises(NotPermitted, match="write-only"):
            read()
    m.delete(b"a")
    assert len(m) == 0
