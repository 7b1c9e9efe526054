"""Maps that are gone."""

import pytest

from boardmaps import ArrayMap, HashMap, StaleMap
from boardmaps_host import Board


def test_a_map_made_before_a_reset_reaches_no_other(board: Board) -> None:
    old = board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, name="old")
    old.update(b"aaaa", b"1111")
    board.pool.reset()
    new = board.create_map(ArrayMap, value_size=4, max_entries=4, name="new")
    assert new.id != old.id
    for use in (
        lambda: old.lookup(b"\0\0\0\0"),
        lambda: old.update(b"\0\0\0\0", b"2222"),
        lambda: old.delete(b"\0\0\0\0"),
        old.next_key,
        old.info,
        old.freeze,
    ):
        with pytest.raises(StaleMap, match=str(old.id)):
            use()
    assert all(value == bytes(4) for _, value in new.items())
    assert [m.name for m in board.maps()] == ["new"]
