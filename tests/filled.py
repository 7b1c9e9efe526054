"""A board with a map of each sort in it, of which snapshots and their restores are tried."""

from boardmaps import ArrayMap, HashMap, LpmTrie, PerCpuArray, Queue, RingBuf, TimeSeries
from boardmaps_host import Board


def fill(board: Board) -> None:
    """Make the maps, and put something into each."""
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
