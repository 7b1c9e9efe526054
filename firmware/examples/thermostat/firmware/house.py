"""A house in the place of sensors and relays: its rooms warm up when they are heated, and otherwise become as warm as outside."""

OUTSIDE = 1500  # hundredths of a degree
POWER = 20  # hundredths of a degree that a room changes in a round while its relay is on
COOL = 2


class House:
    """Replace after() by what reads a sensor, and drive the relays from the maps' field `relay`."""

    def after(self, temp, mode, relay):
        """Return a room's temperature a round later."""
        if relay:
            return temp - POWER if mode == COOL else temp + POWER
        return temp - (temp > OUTSIDE) + (temp < OUTSIDE)
