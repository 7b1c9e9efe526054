"""The running thermostat, changed from the computer while it runs: on the twin, on a simulated board, on a real one."""

import pytest

from boardmaps import InvalidValue, NotPermitted
from boardmaps_host.testing import eventually


@pytest.fixture
def thermostat(firmware):
    return firmware("firmware", twin="control:turns")


@pytest.fixture
def rooms(thermostat):
    return thermostat.maps.rooms


def test_a_room_becomes_as_warm_as_its_setpoint(rooms):
    rooms["kitchen"].setpoint = 25
    eventually(lambda: rooms["kitchen"].temp >= 24.5)
    assert rooms["kitchen"].switched >= 1


def test_a_room_is_cooled(thermostat, rooms):
    with thermostat.commit():  # both hold from one round to the next
        rooms["attic"].mode = "cool"
        rooms["attic"].setpoint = 16
    eventually(lambda: rooms["attic"].temp <= 16.5)


def test_what_is_out_of_range_is_refused(rooms):
    with pytest.raises(InvalidValue, match="not in the range"):
        rooms["kitchen"].setpoint = 50
    with pytest.raises(NotPermitted):
        rooms["kitchen"].temp = 20
    assert rooms["kitchen"].setpoint == 21


def test_every_test_begins_anew(rooms):
    assert {rooms[name].setpoint for name in rooms} == {21}
