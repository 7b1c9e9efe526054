"""What Home Assistant is told of a value, so that it makes a number, a select, a switch or a sensor of it: MQTT discovery."""

import re
from typing import Any

from boardmaps.abi import VERSION
from boardmaps_host.export.commands import steps
from boardmaps_host.export.reading import Entry, Health, Point

_CLASSES = {
    "°C": "temperature",
    "°F": "temperature",
    "V": "voltage",
    "mV": "voltage",
    "A": "current",
    "mA": "current",
    "W": "power",
    "kW": "power",
    "Hz": "frequency",
    "hPa": "atmospheric_pressure",
    "s": "duration",
    "ms": "duration",
    "lx": "illuminance",
}
_STEP_LEAST = 0.001  # Home Assistant takes no smaller one
# Of a board itself: what is told, its name, unit and class
_OF_A_BOARD = (
    ("heap_free", "Free heap", "B", "data_size"),
    ("crashes", "Crashes on record", None, None),
    ("round_trip", "Round trip", "s", "duration"),
)


def unique(*parts: str) -> str:
    """Return an id of letters, digits, - and _ that no other parts have."""
    return "-".join(re.sub(r"[^a-zA-Z0-9]", lambda found: f"_{ord(found[0]):02x}", part) for part in parts)


def device(board: str, health: Health) -> dict[str, Any]:
    """Return what is told of the board that a value belongs to."""
    found = {
        "identifiers": [f"boardmaps-{unique(board)}"],
        "name": board,
        "model": health.machine.replace("_", " "),
        "sw_version": f"boardmaps {health.firmware}",
    }
    return {name: value for name, value in found.items() if value}


def _common(name: str, id_: str, topic: str, lives: list[str], of: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "unique_id": f"boardmaps-{id_}",
        "state_topic": topic,
        "availability": [
            {"topic": one, "payload_available": "online", "payload_not_available": "offline"} for one in lives
        ],
        "availability_mode": "all",
        "device": of,
        "origin": {"name": "boardmaps", "sw_version": VERSION},
    }


def of_value(
    board: str, entry: Entry, point: Point, topic: str, command: str | None, lives: list[str], of: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return (component, its configuration) for a value at `topic`; `command` is where it is written, None when it may not be."""
    field = point.field
    name = " ".join(part for part in (entry.map, entry.key, point.name) if part)
    found = _common(name, unique(board, entry.map, entry.key, point.name), topic, lives, of)
    if field.unit:
        found["unit_of_measurement"] = field.unit
        if field.unit in _CLASSES:
            found["device_class"] = _CLASSES[field.unit]
    names = [field.names[number] for number in sorted(field.names)] if field.names and not field.bits else None
    ends = steps(field)
    if command is not None and (names or field.letter == "?" or ends):
        found |= {"command_topic": command, "optimistic": False, "qos": 1}
        if names:
            return "select", found | {"options": names}
        if field.letter == "?":
            return "switch", found | _two("payload_on", "payload_off") | _two("state_on", "state_off")
        assert ends is not None
        return "number", found | {"min": ends[0], "max": ends[1], "step": max(ends[2], _STEP_LEAST)}
    if field.letter == "?":
        return "binary_sensor", found | _two("payload_on", "payload_off")
    if names:
        return "sensor", found | {"device_class": "enum", "options": names}
    if field.letter != "s" and not field.bits:
        found["state_class"] = "total_increasing" if field.grows else "measurement"
    return "sensor", found


def of_board(board: str, topic: str, lives: list[str], of: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (component, id, its configuration) of what is told of the board itself, as JSON at `topic`."""
    found = []
    for part, name, unit, class_ in _OF_A_BOARD:
        id_ = unique(board, part)
        more = {"unit_of_measurement": unit, "device_class": class_, "entity_category": "diagnostic"}
        told = _common(name, id_, topic, lives, of) | {"value_template": f"{{{{ value_json.{part} }}}}"}
        found.append(("sensor", id_, told | {key: value for key, value in more.items() if value}))
    return found


def _two(on: str, off: str) -> dict[str, str]:
    return {on: "true", off: "false"}
