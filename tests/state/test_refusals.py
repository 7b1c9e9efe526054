"""What a restore refuses, with nothing changed: rights, other definitions, a pool that is too small, maps that are not whole."""

from collections.abc import Iterator

import pytest

from boardmaps import ArrayMap, HashMap, NotPermitted
from boardmaps.abi import BPF_F_RDONLY, BPF_F_WRONLY
from boardmaps_host import Board, StateError, connect
from boardmaps_host.state.slices import Slice
from boardmaps_host.state.snapshot import Kept, Snapshot
from boardmaps_host.twin import Registry
from tests.filled import fill


@pytest.fixture(scope="module", params=["twin", "unix"])
def connection(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A twin, and a board."""
    with Registry(), connect(request.param, allow_reset=True) as board:
        yield board


@pytest.fixture
def board(connection: Board) -> Board:
    """One without maps."""
    connection.pool.reset()
    return connection


@pytest.mark.parametrize("connection", ["unix"], indirect=True)  # whoever holds the twin's registry is its firmware
def test_what_the_host_may_not_do_no_restore_does(board: Board) -> None:
    fixed = board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, map_flags=BPF_F_RDONLY, name="fixed")
    secret = board.create_map(ArrayMap, value_size=8, max_entries=3, map_flags=BPF_F_WRONLY, name="secret")
    plain = board.create_map(ArrayMap, value_size=8, max_entries=3, name="plain")
    secret.update(1, b"password")
    plain.update(1, b"in plain")
    taken = board.snapshot()
    assert b"password" not in taken.to_bytes()
    plain.update(1, b"changed!")
    with pytest.raises(NotPermitted, match="'fixed': the map is read-only"):
        board.restore(taken)
    assert plain.lookup(1) == b"changed!", "nothing was changed"
    with pytest.raises(NotPermitted, match="allow_restore=True"):
        board.restore(taken, override=True)
    done = board.restore(taken.only("secret", "plain"))
    assert (done.maps, done.left_out) == (["plain"], ["secret"])
    assert plain.lookup(1) == b"in plain"
    plain.freeze()
    with pytest.raises(NotPermitted, match="'plain': the map is frozen"):
        board.restore(taken.only("plain"))
    assert fixed.lookup(b"none") is None


def test_another_definition_and_too_small_a_pool_are_refused(board: Board) -> None:
    fill(board)
    taken = board.snapshot()
    board.pool.reset()
    numbers = board.create_map(ArrayMap, value_size=8, max_entries=5, name="numbers")
    numbers.update(0, b"all here")
    with pytest.raises(StateError, match="the map 'numbers' is"):
        board.restore(taken)
    assert len(board.maps()) == 1, "nothing was made"
    if board.info["profile"] == "cloud":
        return
    board.pool.reset()
    room = board.pool.remaining() - 96 - 1000
    board.create_map(ArrayMap, value_size=4, max_entries=room // 4, name="large")
    with pytest.raises(StateError, match=r"need 1,\d+ bytes, and its pool has [\d,]+ left"):
        board.restore(taken)
    assert [info.name for info in board.maps()] == ["large"]

    def widen(old: object, new: object) -> None:
        for key, value in old.entries():  # type: ignore[attr-defined]
            new.update(key, value + b"!!")  # type: ignore[attr-defined]

    board.pool.reset()
    board.create_map(ArrayMap, value_size=8, max_entries=5, name="numbers")
    board.restore(taken.only("numbers"), migrate={"numbers": widen})
    assert board.map("numbers").lookup(2) == b"second!!"


def test_a_changed_or_damaged_map_is_not_restored(board: Board) -> None:
    board.create_map(ArrayMap, value_size=8, max_entries=3, name="plain")
    one = board.snapshot()["plain"]
    for kept in (Kept(one, True), Kept(Slice(one.data, one.definition, "damaged"))):
        with pytest.raises(StateError, match=r"changed while it was read|is not whole"):
            board.restore(Snapshot([kept]))
