"""A map of each type with something in it, on the twin; and the slices of a board that has them."""

from boardmaps import (
    ArrayMap,
    HashMap,
    LpmTrie,
    PerCpuArray,
    PerCpuHash,
    Queue,
    RingBuf,
    Stack,
    TimeSeries,
)
from boardmaps_host.state.snapshot import Snapshot
from boardmaps_host.twin import Registry


def fill() -> None:
    """Make the maps in the active registry."""
    temps = HashMap(8, 4, 8, 0, "temps")
    for key in (b"kitchen\0", b"bedroom\0", b"cellar\0\0", b"attic\0\0\0"):
        temps.update(key, key[:4])
    temps.delete(b"bedroom\0")
    numbers = ArrayMap(6, 5, 0, "numbers")
    numbers.update(2, b"second")
    waiting, stacked = Queue(3, 4, 0, "waiting"), Stack(3, 4, 0, "stacked")
    for value in (b"one", b"two", b"six"):
        waiting.push(value)
        stacked.push(value)
    waiting.pop()
    log = RingBuf(128, 0, "log")
    for n in range(5):
        log.output(b"record"[:n])
    log.read()
    series = TimeSeries(2, 4, 0, "series", field="h")
    for n in range(6):
        series.push(100 * n, n.to_bytes(2, "little"))
    routes = LpmTrie(8, 4, 8, 0, "routes")
    for length, data in ((8, b"\x0a\0\0\0"), (16, b"\x0a\1\0\0"), (24, b"\x0b\1\2\0")):
        routes.update(length.to_bytes(4, "little") + data, data)
    settings = HashMap(4, 6, 4, 0, "settings", "id:u32\nheat:i16/100 °C, mode:u8{off,on}, _:3x")
    settings.update(b"\1\0\0\0", b"\x34\x08\1\0\0\0")
    PerCpuHash(4, 4, 4, 0, "perkey", cpus=2).update_percpu(b"busy", [b"cpu0", b"cpu1"])
    PerCpuArray(4, 3, 0, "percpu", cpus=2).update_percpu(1, [b"cpu0", b"cpu1"])


def snapshot() -> Snapshot:
    """Return these maps as a snapshot."""
    with Registry() as registry:
        fill()
        return registry.snapshot()
