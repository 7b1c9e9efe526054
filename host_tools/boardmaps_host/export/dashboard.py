"""A dashboard of Grafana's for the boards that Prometheus scrapes: made from the schemas of their maps."""

from collections.abc import Iterable
from typing import Any

from boardmaps.errors import InvalidDefinition
from boardmaps.schema import Field, Types
from boardmaps_host.export.reading import Reading
from boardmaps_host.kinds import by_number

_WIDTH, _HEIGHT = 8, 7  # of a panel, in Grafana's units: 24 fill a line
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_UNITS = {
    "°C": "celsius",
    "%": "percent",
    "V": "volt",
    "mV": "mvolt",
    "A": "amp",
    "mA": "mamp",
    "W": "watt",
    "Hz": "hertz",
    "s": "s",
    "ms": "ms",
    "hPa": "pressurehpa",
    "rpm": "rotrpm",
}
# Title, what is asked, unit, how it is drawn
_OF_BOARDS = (
    ("Boards that answer", "boardmaps_up", "none", "state-timeline"),
    ("Free heap", "boardmaps_heap_free_bytes", "bytes", "timeseries"),
    ("Round trip", "boardmaps_round_trip_seconds", "s", "timeseries"),
    ("Sent again", "rate(boardmaps_resent_total{%s}[$__rate_interval])", "none", "timeseries"),
    ("Crashes on record", "boardmaps_crashes", "none", "timeseries"),
    ("Entries in use", "boardmaps_map_entries / boardmaps_map_entries_max", "percentunit", "timeseries"),
)


def dashboard(readings: Iterable[Reading]) -> dict[str, Any]:
    """Return the dashboard as Grafana imports it: panels for the boards' health, and one for each field of their typed maps."""
    panels = []
    for title, ask, unit, kind in _OF_BOARDS:
        legend = "{{board}} {{map}}" if "map_" in ask else "{{board}}"
        panels.append(_panel(title, ask if "%s" in ask else _chosen(ask), legend, kind, unit))
    panels[0]["fieldConfig"]["defaults"]["mappings"] = _mapped({0: "down", 1: "up"})
    panels[-1]["fieldConfig"]["defaults"] |= {"min": 0, "max": 1}
    told = set()
    for reading in readings:
        for info in reading.maps:
            for field in _fields(info):
                if (info.name, field.name) not in told:
                    told.add((info.name, field.name))
                    panels.append(_of_field(info.name, field, by_number(info.map_type).per_cpu))
    for number, panel in enumerate(panels):
        row, column = divmod(number, 24 // _WIDTH)
        panel["id"] = number + 1
        panel["gridPos"] = {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
        for target in panel["targets"]:
            target["expr"] = target["expr"].replace("%s", 'board=~"$board"')
    return {
        "title": "boardmaps",
        "uid": "boardmaps",
        "tags": ["boardmaps"],
        "schemaVersion": 38,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                {
                    "name": "board",
                    "label": "Board",
                    "type": "query",
                    "datasource": _SOURCE,
                    "query": {"query": "label_values(boardmaps_up, board)", "refId": "boards"},
                    "refresh": 2,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }


def _chosen(ask: str) -> str:
    """Return a query with the choice of boards in each of its metrics."""
    return " / ".join(f"{metric}{{%s}}" for metric in ask.split(" / "))


def _fields(info: Any) -> list[Field]:
    """Return the fields of a map that are exported and have numbers."""
    kind = by_number(info.map_type)
    if not info.schema or not info.name or not (kind.has("next_key") or kind.has("stats")):
        return []
    try:
        schema = Types(info.schema).value
    except InvalidDefinition:  # of a later boardmaps
        return []
    return [] if schema is None else [field for field in schema.fields if field.letter != "s"]


def _of_field(name: str, field: Field, per_cpu: bool) -> dict[str, Any]:
    pattern = _escaped(field.name)
    if per_cpu:
        pattern = f"cpu[0-9]+\\\\.{pattern}"
    if field.count:
        pattern += "\\\\[[0-9]+\\\\]"
    one = f'field="{field.name}"' if not per_cpu and not field.count else f'field=~"{pattern}"'
    legend = "{{board}} {{key}}" + (" {{field}}" if per_cpu or field.count else "")
    metric = "boardmaps_count_total" if field.grows else "boardmaps_value"
    ask = f'{metric}{{%s, map="{name}", {one}}}'
    if field.grows:
        ask = f"rate({ask}[$__rate_interval])"
    states = (field.names and not field.bits) or field.letter == "?"
    unit = _UNITS.get(field.unit, f"suffix:{field.unit}" if field.unit else "none")
    title = f"{name}: {field.name}" + (" a second" if field.grows else "")
    panel = _panel(title, ask, legend, "state-timeline" if states else "timeseries", "none" if states else unit)
    panel["description"] = field.text
    defaults = panel["fieldConfig"]["defaults"]
    if field.low is not None and field.high is not None and not states:
        defaults |= {"min": field.low * field.times / field.over, "max": field.high * field.times / field.over}
    names = {0: "false", 1: "true"} if field.letter == "?" else field.names or {}
    if states:
        defaults["mappings"] = _mapped(names)
    return panel


def _mapped(names: dict[int, str]) -> list[dict[str, Any]]:
    options = {str(number): {"text": text, "index": i} for i, (number, text) in enumerate(sorted(names.items()))}
    return [{"type": "value", "options": options}]


def _escaped(name: str) -> str:
    return name.replace(".", "\\\\.")


def _panel(title: str, ask: str, legend: str, kind: str, unit: str) -> dict[str, Any]:
    return {
        "title": title,
        "type": kind,
        "datasource": _SOURCE,
        "targets": [{"refId": "A", "datasource": _SOURCE, "expr": ask, "legendFormat": legend}],
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": {},
    }
