"""What the thermostat does in one round. It knows maps and nothing of a board, so that it runs at the desk too."""

import struct

import maps
from house import House

HEAT, COOL = 1, 2
EVENT = "<8sBh"  # as maps.py has it


class Thermostat:
    """The rooms, and a relay for each."""

    def __init__(self, names):
        """`names` are the rooms', at most 8 bytes each."""
        self.rooms, self.settings, self.log = maps.make()
        for field in ("setpoint", "mode", "temp", "relay", "switched"):
            setattr(self, field, self.rooms.field(field))
        self.band = self.settings.field("band")
        self.period = self.settings.field("period")
        self.keys = []
        for name in names:
            key = name + bytes(8 - len(name))
            self.rooms.update(key, bytes(self.rooms.definition.value_size))
            self.setpoint.set(key, 21)
            self.mode.set(key, HEAT)
            self.keys.append(key)

    def step(self, readings):
        """Take each room's temperature, in hundredths of a degree, and switch the relays that are to be switched."""
        band = self.band.raw.get(0)
        for key, temp in readings.items():
            self.temp.raw.set(key, temp)
            mode, wanted, on = self.mode.get(key), self.setpoint.raw.get(key), self.relay.get(key)
            if mode == HEAT:
                missing = wanted - temp
            elif mode == COOL:
                missing = temp - wanted
            else:
                missing = -band - 1
            if missing > band and not on:
                self._switch(key, True, temp)
            elif missing < -band and on:
                self._switch(key, False, temp)

    def _switch(self, key, on, temp):
        self.relay.set(key, on)
        self.switched.add(key, 1)
        self.log.output(struct.pack(EVENT, key, on, temp))


def turns():
    """Run the thermostat of a house for ever; give the milliseconds until the next round, each time a round is done."""
    house = House()
    thermostat = Thermostat([b"kitchen", b"bath", b"attic"])
    temps = dict.fromkeys(thermostat.keys, 1900)
    while True:
        thermostat.step(temps)
        for key in temps:
            temps[key] = house.after(temps[key], thermostat.mode.get(key), thermostat.relay.get(key))
        yield thermostat.period.get(0)
