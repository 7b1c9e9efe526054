"""The thermostat's rules, on the twin: no board, no waiting."""

import pytest

from control import Thermostat


@pytest.fixture
def thermostat(twin):
    return Thermostat([b"kitchen"])


def readings(degrees):
    return {b"kitchen\0": round(degrees * 100)}


def test_a_cold_room_is_heated_until_it_is_warm(thermostat, twin):
    kitchen = twin.maps.rooms["kitchen"]
    assert (kitchen.setpoint, kitchen.mode, kitchen.relay) == (21, "heat", False)
    for degrees, relay in ((20.6, False), (20.4, True), (21.4, True), (21.6, False), (20.6, False)):
        thermostat.step(readings(degrees))
        assert twin.maps.rooms["kitchen"].relay is relay, degrees


def test_off_is_off(thermostat, twin):
    thermostat.step(readings(15))
    twin.maps.rooms["kitchen"].mode = "off"
    thermostat.step(readings(15))
    assert twin.maps.rooms["kitchen"].relay is False


def test_each_switch_is_in_the_log(thermostat, twin):
    for degrees in (20, 22):
        thermostat.step(readings(degrees))
    events = [(event.room, event.relay, event.temp) for _, event in iter(twin.maps.log.read, None)]
    assert events == [("kitchen", True, 20), ("kitchen", False, 22)]
    assert twin.maps.rooms["kitchen"].switched == 2
