"""What becomes of a kept map whose definition or schema is another one than the firmware makes now: a verdict, and a function that
moves what it held.

Runs unchanged on the board and on the computer. A map's bytes are never read with another definition than the one that they were
written with: without a function the map begins empty, and the verdict says so. A board loads it when a firmware registers a
function, or when a kept map does not fit.
"""

from .errors import InvalidDefinition
from .maps.check import examined
from .slices import OF_ENTRIES, OF_RECORDS, OF_SAMPLES, OF_VALUES, entries, records, samples, values, what

_functions = {}  # type: ignore[var-annotated] # by a map's name


class Old:
    """A map as it was kept. `definition` is what it was made from, `schema` its text ('' when it had none), `data` its slice.

    entries() gives (key, value), values() what a queue or stack held, records() (number, bytes) of a ring, samples() (timestamp,
    value) of a series: one after the other, each allocates what it gives.
    """

    def __init__(self, view, definition):  # type: ignore[no-untyped-def]
        self.definition = definition
        self.data = view
        self.schema = definition.schema

    def entries(self):  # type: ignore[no-untyped-def]
        """Yield key and value of each entry; a per-CPU value is a row."""
        return entries(self.data)

    def values(self):  # type: ignore[no-untyped-def]
        """Yield the values of a queue or a stack, the oldest first."""
        return values(self.data)

    def records(self):  # type: ignore[no-untyped-def]
        """Yield number and bytes of each record of a ring, the oldest first."""
        return records(self.data)

    def samples(self):  # type: ignore[no-untyped-def]
        """Yield timestamp and value of each sample of a series, the oldest first."""
        return samples(self.data)


def migrate(name, function):  # type: ignore[no-untyped-def]
    """Have `function(old, new)` move what a kept map of this name held, when its definition or schema has changed.

    Register it before the map is made. `old` is an Old; `new` the map that is being made: its own methods fill it. What the
    function raises leaves `new` empty and is part of the verdict. None in the place of a function takes it back.
    """
    if function is not None and not callable(function):
        raise InvalidDefinition("migrate %r: give a function of the old map and the new one" % (name,))
    if function is None:
        _functions.pop(name, None)
    else:
        _functions[name] = function


def by_name(old, new):  # type: ignore[no-untyped-def]
    """Move what a typed map held to one with another schema, a field by its name: migrate("settings", by_name).

    A field that is new has its default, one that is gone is dropped. One whose type, scale or names of values have changed has its
    default too: what its bytes mean now nobody has said. Keys stay as they were. Raises InvalidDefinition for maps without a schema
    of values, for per-CPU maps, and when the keys are others.
    """
    from .schema import Types  # saves heap: both are typed, so it is loaded already

    had, has = Types(old.schema), Types(new.definition.schema)
    holds, same = what(old.definition.map_type), what(new.definition.map_type)
    if had.value is None or has.value is None or holds is not same or new.by_host:
        raise InvalidDefinition(
            "by_name: both hold the same sort of thing, have a schema of values, and are no per-CPU maps"
        )
    if (had.key and had.key.layout) != (has.key and has.key.layout):
        raise InvalidDefinition("by_name: the keys have another schema")
    pairs = []
    for field in has.value.fields:
        before = had.value.find(field.name)
        if before and _alike(before, field):
            pairs.append((before.offset, field.offset, field.size))

    def moved(value):  # type: ignore[no-untyped-def]
        fresh = has.value.default()
        for start, to, size in pairs:
            fresh[to : to + size] = value[start : start + size]
        return bytes(fresh)

    if holds == OF_ENTRIES:
        for key, value in old.entries():
            new.update(key, moved(value))
    elif holds == OF_VALUES:
        for value in old.values():
            new.push(moved(value))
    elif holds == OF_SAMPLES:
        for timestamp, value in old.samples():
            new.push(timestamp, moved(value))
    elif holds == OF_RECORDS:
        for _, data in old.records():
            new.output(moved(data) + data[had.value.size :])
    else:
        raise InvalidDefinition("by_name: a filter does not know what it was given")


def _alike(before, field) -> bool:  # type: ignore[no-untyped-def]
    """Whether a field's bytes mean what they did."""
    for part in ("kind", "count", "times", "over", "bits"):
        if getattr(before, part) != getattr(field, part):
            return False
    for number, name in (before.names or {}).items():
        if not field.names or field.names.get(number) != name:
            return False
    return True


def take_over(new, view, own=None):  # type: ignore[no-untyped-def]
    """Move what a kept slice holds to a new map of another definition; return whether that was done, and the verdict.

    `own` are the kernels that look whether the slice is whole: the board's, unless the computer gives those that it has. Raises
    nothing but MemoryError. Whatever happens, `new` is empty or what the function has made of it.
    """
    name = new.definition.name
    d, wrong = examined(view, own)
    if wrong:
        return False, "what was kept of map %r is not whole (%s): it begins empty" % (name, wrong)
    change = "the map %r was %r and is %r now" % (name, d, new.definition)
    function = _functions.get(name)
    if function is None:
        return False, "%s: it begins empty; boardmaps.migrate(%r, function) would move what it held" % (change, name)
    try:
        function(Old(view, d), new)
    except MemoryError:
        new.clear()
        raise
    except Exception as error:  # the firmware's own mistake must not keep it from booting
        new.clear()
        return False, "%s: its migration failed (%s: %s), and it begins empty" % (change, type(error).__name__, error)
    return True, "%s: migrated" % change
