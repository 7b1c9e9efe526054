"""Commits: writes to entries of several maps that hold together or not at all. The same on the board and on the twin.

Loaded with the first one. All of its changes are looked at, as if those before them were made, before the first is made; what is
made then takes no heap. It is made in one turn of the server, or, where the firmware calls tick(), there. An interrupt handler may
come between two changes unless GUARD holds handlers off: then they are held off for the whole. Should one fail even so, because a
handler or a thread has changed the same map meanwhile, or Ctrl-C ends it, what the entries held before is written back.

A commit may also expect bytes: it is made when entries hold them before its first change, and else nothing of it.

While several changes are being made the slices of their maps say so in their state, so that the boot behind a reset in the midst
of that keeps none of these maps, but for the instant in which that is taken back.
"""

from struct import unpack_from

from ..errors import (
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    KeyExists,
    KeyNotFound,
    MapError,
    NotSupported,
    OutOfMemory,
)
from ..flags import const
from ..kinds import find

# Numbers of abi.py, restated
_OP_UPDATE = const(5)
_OP_DELETE = const(6)
_OP_ADD = const(15)
_OP_UPDATE_PART = const(32)
_OP_COMMIT = const(44)
_OP_EXPECT = const(46)
_TO_WRITE = const(8)  # BPF_F_RDONLY
_TO_READ = const(16)  # BPF_F_WRONLY
_STATUS_MISS = const(127)
_MISS = bytes((_STATUS_MISS,))
_NOEXIST = const(1)
_EXIST = const(2)

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_CLASS_NAME = const(2)
_TRAITS = const(4)
_OPERATIONS = const(10)
_BOARD = const(1)
_INDEXED = const(8)
_OPS_PARTS = const(128)

_STATE_AT = const(68)  # in a slice's header
_COMMITTING = const(2)

_NAMES = {
    _OP_UPDATE: "update",
    _OP_DELETE: "delete",
    _OP_ADD: "add",
    _OP_UPDATE_PART: "update_part",
    _OP_EXPECT: "expect",
}

_MOST_WAITING = const(8)  # commits that wait for a tick
_MOST_OUTCOMES = const(16)  # of those that waited, how many are remembered


class Commits:
    """Makes commits. `quiet` and `loud` hold interrupt handlers off and let them in again; None where none are held off."""

    def __init__(self, quiet=None, loud=None):  # type: ignore[no-untyped-def]
        self._quiet = quiet
        self._loud = loud
        self.count = 0  # of those that had to wait: the last one's number
        self._waiting = []  # type: ignore[var-annotated] # (number, request, map_of, hold), the oldest first
        self._outcomes = {}  # type: ignore[var-annotated] # by number: True it was made, False it was withdrawn, else why it was not made

    def handle(self, request, map_of, hold=None):  # type: ignore[no-untyped-def]
        """Execute COMMIT or COMMITTED; return the reply. `hold` calls a function within the firmware's lock at the next tick();
        without it the commit is made now.
        """
        if request[0] != _OP_COMMIT:
            return self._asked(*unpack_from("<IB", request, 1))
        doing, entries = self._look(request, map_of)
        if hold is None:
            self._make(doing, entries)
            return b"\0\1"
        if len(self._waiting) == _MOST_WAITING:
            raise MapError("commit: %d wait for the firmware's tick() already; nothing was changed" % _MOST_WAITING)
        number = self.count + 1
        reply = b"\0\0" + number.to_bytes(4, "little")  # had before it waits
        self._waiting.append((number, request, map_of, hold))
        self.count = number
        return reply

    def tick(self):  # type: ignore[no-untyped-def]
        """Make the commits that wait. Raises for nothing that they contain."""
        while self._waiting:
            first = self._waiting[0]
            first[3](self._settle, first)

    def _settle(self, one):  # type: ignore[no-untyped-def]
        """Make a commit that has waited, unless it was withdrawn meanwhile, and remember what came of it."""
        if one not in self._waiting:
            return
        try:
            self._make(*self._look(one[1], one[2]))
            outcome = True
        except MapError as e:
            outcome = e
        except MemoryError:
            outcome = OutOfMemory("commit: the board has no memory for it; nothing was changed")
        except Exception as e:  # it must not end the firmware
            outcome = MapError("commit: %s: %s; nothing was changed" % (type(e).__name__, e))
        self._end(one, outcome)

    def _end(self, one, outcome):  # type: ignore[no-untyped-def]
        self._outcomes[one[0]] = outcome
        self._outcomes.pop(one[0] - _MOST_OUTCOMES, None)
        self._waiting.remove(one)

    def _asked(self, number, withdraw):  # type: ignore[no-untyped-def]
        for one in self._waiting:
            if one[0] == number:
                if withdraw:
                    self._end(one, False)
                return b"\0\0"
        outcome = self._outcomes.get(number)
        if outcome is None:
            return _MISS  # nothing is known of it (any more)
        if isinstance(outcome, MapError):
            raise outcome
        return b"\0\1" if outcome else b"\0\0"

    # -- looking

    def _look(self, request, map_of):  # type: ignore[no-untyped-def]
        """Return what is to be done, (map, operation, key, number, offset, data), and the entries as they are, (map, key, value).

        Raises the error of the first change that cannot be made behind those before it.
        """
        doing = []
        entries = {}  # type: ignore[var-annotated] # by (map's number, key)
        there = {}  # type: ignore[var-annotated] # whether they are there, as far as was looked
        room = {}  # type: ignore[var-annotated] # by map's number: entries that it has room for then
        now = {}  # type: ignore[var-annotated] # what they would hold, where somebody looks at that
        at = 1
        while at < len(request):
            (size,) = unpack_from("<H", request, at)
            at += 2 + size
            if at > len(request) or not size:
                raise ValueError("a change is cut short")
            try:
                doing.append(_one(request[at - size : at], map_of, entries, there, room, now))
            except MapError as e:
                text = "commit, change %d: %s; nothing was changed" % (len(doing) + 1, e)
                raise type(e)(text)  # noqa: B904 - takes less heap so
        return doing, list(entries.values())

    # -- making

    def _make(self, doing, entries):  # type: ignore[no-untyped-def]
        slices = []
        if len(doing) > 1:  # one alone has its kernel's own mark
            for m, _, _ in entries:
                view = getattr(m, "_slice", None)  # a twin's map has none
                if view is not None:
                    slices.append(view)
        was = self._quiet() if self._quiet else None
        made = False
        try:
            for view in slices:
                view[_STATE_AT] |= _COMMITTING
            for m, op, key, number, offset, data in doing:
                if op == _OP_UPDATE:
                    m.update(key, data)
                elif op == _OP_UPDATE_PART:
                    m.update_part(key, number, data)
                elif op == _OP_ADD:
                    m.add_into(key, number, data, offset)
                elif op == _OP_DELETE:
                    m.delete(key)
            made = True
        finally:
            try:
                if not made:
                    _undo(entries)
                for view in slices:  # they keep it when that has failed: the next boot keeps none of these maps
                    view[_STATE_AT] &= ~_COMMITTING
            finally:
                if self._loud:
                    self._loud(was)


def _one(one, map_of, entries, there, room, now):  # type: ignore[no-untyped-def]
    """Look at one change, or at what is expected; return what is to be done."""
    op = one[0]
    name = _NAMES.get(op)
    if name is None:
        raise NotSupported("a commit takes update, update_part, delete, add and expect, no operation %d" % op)
    rights = _TO_READ if op == _OP_EXPECT else _TO_WRITE | _TO_READ if op == _OP_ADD else _TO_WRITE
    m = map_of(one, name, rights, False)
    d = m.definition
    row = find(_NUMBER_OF, d.map_type)
    if not row[_TRAITS] & _BOARD or not row[_OPERATIONS] & _OPS_PARTS:
        raise NotSupported(
            "%s %r: a %s takes no part in a commit; a HashMap and an ArrayMap do" % (name, m.name, row[_CLASS_NAME])
        )
    number, offset, data = 0, 0, b""  # what stands before the key, and behind it
    if op == _OP_DELETE:
        key = one[3:]
    elif op == _OP_ADD:
        offset, width, number = unpack_from("<IBq", one, 3)
        key = one[16:]
    else:
        number, n = unpack_from("<IH", one, 3)
        key, data = one[9 : 9 + n], one[9 + n :]
    key = bytes(key)  # of a long request it is a bytearray's part
    if len(key) != d.key_size:
        raise InvalidKeySize("%s %r: key is %d bytes, not %d" % (name, m.name, len(key), d.key_size))
    place = (m.id, key)
    if place not in entries:
        value = m.lookup(key)
        entries[place] = (m, key, value)
        there[place] = value is not None
    if op == _OP_EXPECT:
        old = entries[place][2]
        if old is None:
            raise KeyNotFound("%s %r: no such key" % (name, m.name))
        if bytes(old[number : number + len(data)]) != bytes(data):
            raise MapError("%s %r: the entry holds something else" % (name, m.name))
        return m, op, key, 0, 0, b""
    here = there[place]
    indexed = row[_TRAITS] & _INDEXED
    if op == _OP_UPDATE:
        if len(data) != d.value_size:
            raise InvalidValueSize("%s %r: value is %d bytes, not %d" % (name, m.name, len(data), d.value_size))
        if number > _EXIST:
            raise InvalidFlags("%s %r: unknown flags %d" % (name, m.name, number))
        if here and number == _NOEXIST:
            raise KeyExists("%s %r: BPF_NOEXIST, and the key is there" % (name, m.name))
        if not here and not indexed and number != _EXIST:
            left = room.get(m.id)
            left = d.max_entries - len(m) if left is None else left
            if not left:
                raise OutOfMemory("%s %r: map is full (%d entries)" % (name, m.name, d.max_entries))
            room[m.id] = left - 1
            here = there[place] = True
    if not here:
        raise KeyNotFound("%s %r: no such key" % (name, m.name))
    if op == _OP_UPDATE_PART and number > d.value_size - len(data):
        text = "%s %r: %d bytes at offset %d do not lie in a value"
        raise InvalidValueSize(text % (name, m.name, len(data), number))
    if op == _OP_ADD:
        width = width or d.value_size
        if width not in (1, 2, 4, 8) or offset > d.value_size - width:
            text = "%s %r: no number of %d bytes at offset %d of a value"
            raise InvalidValueSize(text % (name, m.name, width, offset))
        data = bytearray(width)  # where the new number goes
        m.add_into  # noqa: B018 - loaded now: it takes heap
    if m._host_check:
        now[place] = _looked_at(m, one, name, key, number, data, now[place] if place in now else entries[place][2])
    if op == _OP_DELETE and not indexed:
        there[place] = False
        left = room.get(m.id)
        room[m.id] = (d.max_entries - len(m) if left is None else left) + 1
    return m, op, key, number, offset, data


def _looked_at(m, one, name, key, number, data, old):  # type: ignore[no-untyped-def]
    """Have the map's own check look at a change of what the entry holds behind those before it; return what it would hold."""
    # loaded already: the map has a check
    from .writes import numbered

    op = one[0]
    if op == _OP_UPDATE:
        new = bytes(data)
    elif op == _OP_UPDATE_PART:
        new = old[:number] + bytes(data) + old[number + len(data) :]
    elif op == _OP_ADD:
        new = numbered(bytes(one), op, old)
    else:
        new = m._host_check.gone(old)
    m._host_check.entry(name, key, old, new)
    return new


def _undo(entries):  # type: ignore[no-untyped-def]
    """Have the entries hold what they held. First those go that were not there, so that there is room for the others."""
    for m, key, value in entries:
        if value is None:
            try:
                m.delete(key)
            except KeyNotFound:
                pass
    for m, key, value in entries:
        if value is not None:
            m.update(key, value)
