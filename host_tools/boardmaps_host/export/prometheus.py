"""Boards for Prometheus: a collector that reads them when they are scraped, and the server that it is scraped from."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

try:
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError as missing:
    from boardmaps_host.export import ExportError

    raise ExportError("export prometheus needs prometheus-client: pip install 'boardmaps[prometheus]'") from missing

from boardmaps_host.export import ExportError
from boardmaps_host.export.poller import Fleet
from boardmaps_host.export.reading import Health, Reading

if TYPE_CHECKING:
    from wsgiref.simple_server import WSGIServer

    from prometheus_client.core import Metric

_OF_A_BOARD = ("board",)
_OF_A_VALUE = ("board", "map", "key", "field")
_UP_TO = 2.0  # seconds; a scrape waits no longer for a board. Prometheus waits ten by itself


class BoardCollector(Collector):
    """Reads the boards of a Fleet that was made without an interval, all at the same time, and gives their values and their health.

    A field that the schema calls a counter (+) is in boardmaps_count_total, another one in boardmaps_value: named values by their
    numbers, a bool as 0 or 1, a series by its newest sample. Texts have no number. A board that does not answer within `seconds` is
    down, and gives nothing else.
    """

    def __init__(self, fleet: Fleet, seconds: float = _UP_TO) -> None:
        self._fleet = fleet
        self._seconds = seconds

    def collect(self) -> "Iterator[Metric]":
        """Read the boards."""
        readings = self._fleet.now(self._seconds)
        yield from _health(readings)
        value = GaugeMetricFamily("boardmaps_value", "A field of an entry, in its unit.", labels=_OF_A_VALUE)
        count = CounterMetricFamily("boardmaps_count", "A field that only grows, in its unit.", labels=_OF_A_VALUE)
        for reading in readings:
            told = set()
            for entry in [entry for entry in reading.entries if entry.at is None] + reading.newest:
                for point in entry.points:
                    labels = (reading.board, entry.map, entry.key, point.name)
                    number = point.physical
                    if number is None or labels in told:  # several maps may have one name
                        continue
                    told.add(labels)
                    (count if point.field.grows else value).add_metric(labels, number)
        yield value
        yield count


def _health(readings: list[Reading]) -> "Iterator[Metric]":
    """Give what is told of each board; what a board does not tell is not there."""

    def family(name: str, text: str, of: "Mapping[str, float | None]", counter: bool = False) -> "Metric":
        kind = CounterMetricFamily if counter else GaugeMetricFamily
        found = kind(f"boardmaps_{name}", text, labels=_OF_A_BOARD)
        for board, number in of.items():
            if number is not None:
                found.add_metric((board,), float(number))
        return found

    up = {reading.board: reading.health for reading in readings if reading.health.up}

    def each(read: "str") -> "dict[str, float | None]":
        return {board: _part(health, read) for board, health in up.items()}

    yield family("up", "Whether the board answers.", {one.board: one.health.up for one in readings})
    since = {one.board: one.health.since for one in readings}
    yield family("since_seconds", "When the board became so, up or down, or restarted: seconds since 1970.", since)
    yield family("program_running", "Whether a program of the board's own serves the maps.", each("program"))
    yield family("heap_free_bytes", "Free bytes of MicroPython's heap, garbage not counted.", each("free"))
    yield family("heap_used_bytes", "Used bytes of MicroPython's heap, with garbage.", each("used"))
    yield family("pool_bytes", "Bytes of the pool.", each("pool"))
    yield family("pool_used_bytes", "Bytes of the pool that maps have.", each("pool_used"))
    yield family("round_trip_seconds", "How long an answer of the board takes, smoothed.", each("round_trip"))
    yield family("resent", "Frames that were sent again, of this connection.", each("resent"), True)
    yield family("crashes", "Crashes on record that nobody has acknowledged.", each("crashes"))
    entries = GaugeMetricFamily("boardmaps_map_entries", "Entries in use; of a ring records.", labels=_OF_A_VALUE[:2])
    room = GaugeMetricFamily("boardmaps_map_entries_max", "Entries that fit; of a ring bytes.", labels=_OF_A_VALUE[:2])
    for reading in readings:
        for info in {info.name: info for info in reading.maps if info.name}.values():
            entries.add_metric((reading.board, info.name), info.count)
            room.add_metric((reading.board, info.name), info.max_entries)
    yield entries
    yield room


def _part(health: Health, name: str) -> float | None:
    if name in ("free", "used"):
        return None if health.heap is None else getattr(health.heap, name)
    if name in ("pool", "pool_used"):
        return None if health.pool is None else health.pool[name == "pool_used"]
    number: float | None = getattr(health, name)
    return number


def serve(fleet: Fleet, host: str, port: int) -> "WSGIServer":
    """Serve the metrics of a fleet at host:port, port 0 for a free one, by threads of their own. Raises ExportError."""
    registry = CollectorRegistry()
    registry.register(BoardCollector(fleet))
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise ExportError(
            f"{host}:{port}: it cannot be listened on: {error.strerror}. Give another --listen."
        ) from error
    return server
