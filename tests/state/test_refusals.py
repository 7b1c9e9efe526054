"""What a restore refuses, with nothing changed: rights, other definitions, a pool that is too small, maps that are not whole."""

from collections.abc import Iterator

import pytest

from boardmaps import ArrayMap, HashMap, LpmTrie, NotPermitted, PerCpuArray, Queue, RingBuf, TimeSeries
from boardmaps.abi import BPF_F_RDONLY, BPF_F_WRONLY
from boardmaps_host import Board, StateError, connect
from boardmaps_host.state.slices import Slice
from boardmaps_host.state.snapshot import Kept, Snapshot
from boardmaps_host.twin import Registry


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


def fill(board: Board) -> None:
    temps = board.create_map(HashMap, key_size=8, value_size=4, max_entries=8, name="temps")
    for key in (b"kitchen\0", b"bedroom\0", b"cellar\0\0"):
        temps.update(key, key[:4])
    temps.delete(b"bedroom\0")
    board.create_map(ArrayMap, value_size=6, max_entries=5, name="numbers").update(2, b"second")
    queue = board.create_map(Queue, value_size=3, max_entries=4, name="waiting")
    for value in (b"one", b"two", b"six"):
        queue.push(value)
    queue.pop()
    log = board.create_map(RingBuf, size=128, name="log")
    for n in range(5):
        log.output(b"record"[:n])
    series = board.create_map(TimeSeries, value_size=2, max_entries=4, name="series", field="h")
    for n in range(6):
        series.push(100 * n, n.to_bytes(2, "little"))
    routes = board.create_map(LpmTrie, key_size=8, value_size=4, max_entries=8, name="routes")
    routes.update(b"\x08\0\0\0\x0a\0\0\0", b"ten.")
    routes.update(b"\x10\0\0\0\x0a\1\0\0", b"more")
    cores = board.create_map(PerCpuArray, value_size=4, max_entries=3, name="cores")
    cores.update(1, cores.for_every_cpu(b"each"))


def test_what_the_host_may_not_do_no_restore_does(board: Board) -> None:
    fixed = board.create_map(HashMap, key_size=4, value_size=4, max_entries=4, map_flags=BPF_F_RDONLY, name="fixed")
    secret = board.create_map(ArrayMap, value_size=8, max_entries=3, map_flags=BPF_F_WRONLY, name="secret")
    plain = board.create_map(ArrayMap, value_size=8, max_entries=3, name="plain")
    secret.update(1, b"password")
    plain.update(1, b"in plain")
    if board.info["profile"] == "cloud":
        return  # whoever holds the twin's registry is its firmware
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
