"""The thermostat's maps, made once, at boot: what is known of each room, what is set for all of them, and what has happened."""

from boardmaps import ArrayMap, HashMap, RingBuf

ROOM = "room:8s"
# `!`: only the firmware writes it. A range binds whoever writes from the computer.
STATE = (
    "setpoint:i16/100(5..35~0.5=21) °C, mode:u8{off,heat,cool}(=heat), temp:i16/100! °C, relay:bool!, switched:u32+!"
)
SETTINGS = "band:u16/100(0..5=0.5) °C 'how far a room may be from its setpoint', period:u16(5..5000=20) ms"
EVENT = "room:8s, relay:bool, temp:i16/100 °C"


def make():
    """Make the maps; return those of the rooms, the settings and the log."""
    rooms = HashMap.typed("rooms", key=ROOM, value=STATE, max_entries=16)
    settings = ArrayMap.typed("settings", value=SETTINGS, max_entries=1)
    log = RingBuf.typed("log", value=EVENT, max_entries=512)
    return rooms, settings, log
