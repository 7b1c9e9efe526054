"""A board for the view: the twin's, with maps of several sorts."""

from collections.abc import Iterator

import pytest

from boardmaps import ArrayMap, HashMap, RingBuf
from boardmaps_host import Board, connect
from boardmaps_host.twin import Registry

VALUE = "temp:i16/100(5..35~0.5=21) °C 'wanted', mode:u8{off,heat,cool}, on:bool, runs:u32!+"


@pytest.fixture
def board() -> Iterator[Board]:
    """A twin with three rooms, counters, and a ring."""
    with Registry(), connect("twin", allow_reset=True) as made:
        made.create_map(HashMap, name="rooms", key="room:8s", value=VALUE, max_entries=16)
        rooms = made.maps.rooms
        rooms["kitchen"] = {"temp": 20, "mode": "heat"}
        rooms["bath"] = {"temp": 22}
        rooms["attic"] = {}
        made.create_map(ArrayMap, value_size=8, max_entries=4, name="hits")
        made.create_map(RingBuf, size=256, name="log")
        yield made
