"""What all maps of the cloud profile share: definition, number, turns, freeze, and the texts of their errors.

How the maps are safe for many threads, and for a KeyboardInterrupt between any two instructions of Python:

- A lookup is one call of a C type on an immutable value (a dict's, or a copy out of a buffer): readers wait for nobody
  and cannot see half of a value.
- Whatever changes a map is a step that runs in the map's turn, of which there is one: ``self._alone(step, ...)``. A turn
  is being inside ``Context.run`` of a contextvars.Context that belongs to the map. Entering it, the step, and leaving it
  are one call of C, which refuses a second entry and leaves whatever the step raises: there is no instant at which an
  interrupt could keep the turn taken, as it could keep a lock.
- A step may be stopped anywhere by an interrupt, so it is written so that one call of C makes the change, and all that
  comes before or behind it (places for walks, the highest fill) may be missing without harm.
- LruHashMap.update() goes without a turn; lru.py says why it may.

All of that needs CPython's global lock, which makes one call of C one step for other threads: a build that runs without
it ("free-threaded") is refused at import.

More than 300 lines: how a map is safe for threads, told and done in one place.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from functools import cache
from itertools import count
from typing import Any, NoReturn, Protocol, Self, TypeVar

from boardmaps.abi import BPF_ANY, BPF_EXIST, BPF_F_WRONLY, BPF_NOEXIST, U32_MAX
from boardmaps.definition import MapDef
from boardmaps.errors import (
    InvalidDefinition,
    InvalidFlags,
    InvalidKeySize,
    InvalidValueSize,
    MapError,
    NotPermitted,
    OutOfMemory,
    StaleMap,
)
from boardmaps.fields import FieldOf, field
from boardmaps.refusals import GROUPS, refused
from boardmaps.schema import typed
from boardmaps_host.arguments import Arguments

if not getattr(sys, "_is_gil_enabled", lambda: True)():
    raise ImportError(
        "boardmaps: the maps on this computer need CPython's global lock, and this Python runs without it; "
        "start it with PYTHON_GIL=1 or take a build that has the lock"
    )

R = TypeVar("R")
BytesLike = bytes | bytearray | memoryview
Key = BytesLike | int  # an int only where keys are indices

MEMORY_LIMIT = (1 << 32) - 4096  # bytes of keys and values in one map: where the kernel says ENOMEM to an array


class Home(Protocol):
    """What holds new maps: a Registry (registries.py)."""

    def admit(self, new: CloudMap) -> int:
        """Take a map and return its number."""
        ...


# The last one gets the maps that are made now; registries.py keeps the list, the process's own at its bottom.
homes: list[Home] = []
# For the thread that is in Registry.serving(), the registry that gets its maps.
chosen: ContextVar[Home] = ContextVar("chosen")

_EAGER = 20  # tries to get a turn that only let other threads run, before those that also sleep
_PAUSE = 0.0005  # seconds
_turn_of: ContextVar[int] = ContextVar("_turn_of")  # the serial of the map whose turn the calling thread is in

_serials = count(1)  # tells the maps of all registries apart


def round_up_8(n: int) -> int:
    """Return n rounded up to a multiple of 8, as the kernel does with the sizes of keys and values."""
    return n + 7 & ~7


class CloudMap(Arguments):
    """Base of all maps on the heap. `id` is the map's number, `definition` what it was made from (sizes in bytes).

    `frozen` is whether the host may no longer write. Code that holds this object is the firmware's side and still may,
    as BPF programs may.
    """

    # What boardmaps.line.operations asks of a map beside its own methods; that module says what they are.
    cpus = 1
    by_host = False
    subscribe_needs = ("lookup", BPF_F_WRONLY)

    _host_check: Any = None  # what looks at the host's writes, see boardmaps.line.writes
    _instead = "use lookup, update and delete"  # what a refusal says at its end
    _origin: bytes | None = None  # the slice that it was loaded from, or that it had in the last snapshot
    offset = 0  # a pool's notion: a map on the heap has no place that means anything to others

    def __init__(self, definition: MapDef) -> None:
        self._limit_memory("create", definition, definition.max_entries)
        self.definition = definition
        self.frozen = False
        self._most = 0
        self._serial = next(_serials)
        turn = Context()
        turn.run(_turn_of.set, self._serial)
        self._run = turn.run
        self._key_size = definition.key_size
        self._value_size = definition.value_size
        self._set_up()
        self.id = chosen.get(homes[-1]).admit(self)

    def _set_up(self) -> None:
        """Make the storage; the definition is there already. Runs before any other thread can know the map."""
        raise NotImplementedError

    @classmethod
    def typed(
        cls, name: str = "", *, key: str = "", value: str = "", max_entries: int = 0, map_flags: int = 0, **more: Any
    ) -> Self:
        """Make a map whose keys and values have these schemas (SPEC.md, section 6); its sizes follow from them.

        `more` is what the constructor takes beside sizes, flags and name; a TimeSeries' `field` is the name of one. New entries of
        an array have the schema's defaults. Raises InvalidDefinition, which says where a schema is wrong.
        """
        made: Self = typed(cls, name, key, value, max_entries, map_flags, more)
        return made

    @property
    def name(self) -> str:
        """The map's name, '' when it has none."""
        return self.definition.name

    @property
    def size(self) -> int:
        """Bytes of keys and values when the map is full."""
        return self._entry_bytes(self.definition) * self.definition.max_entries

    @property
    def peak(self) -> int:
        """The most entries that were in use at one time since the map was made (an array's all are); a RingBuf's bytes."""
        return max(self._most, self._in_use())

    def freeze(self) -> None:
        """Forbid the host every write, for good; this side may still write. A second freeze raises NotPermitted."""
        self._alone(self._freeze)

    def check(self) -> str | None:
        """Return None. A board's map says here what is wrong with its bytes; this one has no bytes that others could change."""
        return None

    def _freeze(self) -> None:
        if self.frozen:
            raise NotPermitted(f"freeze {self.name!r}: the map is frozen already")
        self.frozen = True

    def _alone(self, step: Callable[..., R], *args: object) -> R:
        """Return step(*args), run in the map's turn: no other step of this map runs meanwhile. Waits for the turn.

        Raises MapError when the calling thread has the turn, as a signal handler has that interrupted a step. `step` is a
        function of Python. Hot methods call self._run() themselves and come here, with the error, when it refuses.
        """
        try:
            return self._run(step, *args)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, step, *args)

    def _in_turn(self, refused: RuntimeError, step: Callable[..., R], *args: object) -> R:
        """Do what _alone() does after a first try was refused, or raise `refused` when it is an error of the step."""
        run = self._run
        for tries in count():
            trace = refused.__traceback__
            if type(refused) is not RuntimeError or trace is None or trace.tb_next is not None:
                raise refused  # not by Context.run: by the step
            if _turn_of.get(None) == self._serial:
                raise MapError(f"map {self.name!r}: called by what interrupted a call of this map in the same thread")
            time.sleep(0 if tries < _EAGER else _PAUSE)
            try:
                return run(step, *args)
            except RuntimeError as error:
                refused = error
        raise AssertionError

    def host_lookup_and_delete(self, key: Key, out: memoryview) -> bool:
        """Copy the value into `out` and remove the key in one step; False on a miss."""
        return self._given(self.lookup_and_delete(key), out)  # type: ignore[attr-defined] # each has it, or refuses

    @staticmethod
    def _given(value: bytes | None, out: memoryview) -> bool:
        if value is not None:
            out[:] = value
        return value is not None

    def field(self, name: str) -> FieldOf:
        """Return get, set and add of a field of the values by its name, as firmware has them on a board: make it once, and keep it.

        Raises InvalidValue when the map's schema has no such field.
        """
        found: FieldOf = field(self, name)
        return found

    def host_parameters(self) -> bytes:
        """Return the type parameters as from_definition() takes them, nothing where the type has none."""
        return b""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} id {self.id}>"

    def _retire(self) -> None:
        """Free the storage. What was there is missing from now on, which _Gone turns into StaleMap."""
        self._alone(self._vanish)

    def _vanish(self) -> None:
        self.__class__ = _gone(type(self))  # type: ignore[arg-type] # mypy takes a class for unhashable here
        self.__dict__ = {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def _set(self, **attributes: object) -> None:
        """Set several attributes as one step for everybody: one call of C."""
        vars(self).update(attributes)

    def host_count(self) -> int:
        """Return how many entries are in use."""
        return len(self)  # type: ignore[arg-type] # every map has a length

    def _in_use(self) -> int:
        return self.host_count()

    def _note(self, in_use: int) -> None:
        """Remember how full the map is, for `peak`: called, in the map's turn, before entries go, which is enough."""
        self._most = max(self._most, in_use)

    def _entry_bytes(self, definition: MapDef) -> int:
        """Return the bytes of one entry's key and value."""
        return round_up_8(definition.key_size) + round_up_8(definition.value_size)

    def _limit_memory(self, op: str, definition: MapDef, max_entries: int) -> None:
        needed = self._entry_bytes(definition) * max_entries
        if needed >= MEMORY_LIMIT:
            raise OutOfMemory(
                f"{op} {definition.name!r}: the map needs {needed:,} bytes, the limit is {MEMORY_LIMIT - 1:,}"
            )

    def _resized(self, new_max_entries: int) -> MapDef:
        """Return the definition with another max_entries, or refuse it, changing nothing."""
        old = self.definition
        if not isinstance(new_max_entries, int) or not 0 < new_max_entries <= U32_MAX:
            raise InvalidDefinition(
                f"resize {old.name!r}: max_entries is {new_max_entries!r}, not a number from 1 to 2**32 - 1"
            )
        self._limit_memory("resize", old, new_max_entries)
        return MapDef(
            old.map_type, old.key_size, old.value_size, new_max_entries, old.map_flags, old.name, schema=old.schema
        )

    def _key(self, op: str, key: Key) -> bytes:
        """Return the key as bytes of the right length."""
        key = self._bytes(op, "key", key)
        if len(key) != self._key_size:
            raise InvalidKeySize(f"{op} {self.name!r}: key is {len(key)} bytes, not {self._key_size}")
        return key

    def _value(self, op: str, value: BytesLike) -> bytes:
        """Return the value as bytes of the right length."""
        value = self._bytes(op, "value", value)
        if len(value) != self._value_size:
            raise InvalidValueSize(f"{op} {self.name!r}: value is {len(value)} bytes, not {self._value_size}")
        return value

    def _out(self, op: str, out: bytearray | memoryview) -> memoryview:
        """Return the caller's buffer for a value, ready to be filled."""
        target = self._writable(op, out)
        if len(target) != self.definition.value_size:
            raise InvalidValueSize(f"{op} {self.name!r}: out is {len(target)} bytes, not {self.definition.value_size}")
        return target

    def _look_at(self, op: str, keys: Sequence[object], values: Sequence[object], flags: int) -> None:
        """Refuse a batch that is none as a whole, before anything is done."""
        if len(keys) != len(values):
            raise InvalidValueSize(f"{op} {self.name!r}: {len(keys)} keys, but {len(values)} values")
        if not keys:
            self._flags(op, flags)
        self._types(op, "key", keys)
        self._types(op, "value", values)

    def _count(self, op: str, count: int) -> int:
        if not isinstance(count, int) or count < 0:
            raise MapError(f"{op} {self.name!r}: count is {count!r}, not a number from 0 up")
        return count

    def _flags(self, op: str, flags: int) -> None:
        if self._whole(op, "flags", flags) not in (BPF_ANY, BPF_NOEXIST, BPF_EXIST):
            raise InvalidFlags(f"{op} {self.name!r}: unknown flags {flags!r}")

    def _cursor(self, op: str, cursor: int | None) -> int:
        """Return the place that a batch goes on from. Refuses what is no cursor of this map's."""
        if cursor is None:
            return 0
        if not isinstance(cursor, int) or cursor >> 32 != self._serial:
            raise MapError(f"{op} {self.name!r}: {cursor!r} is not a cursor that a batch call of this map gave")
        return cursor & U32_MAX

    def _cursor_at(self, place: int) -> int:
        """Return what batch calls hand out: the place, and whose it is."""
        return self._serial << 32 | place


def refusing(op: str) -> Any:
    """Return a method that refuses an operation which the type does not have."""

    def refuse(self: CloudMap, *_: object, **__: object) -> None:
        self._run  # noqa: B018 - a retired map has none, and raises StaleMap
        refused(self, op)

    refuse.__name__ = op
    refuse.__doc__ = f"Raise NotSupported: this type of map has no {op}()."
    return refuse


# What some types have the others refuse. As attributes of the base: a __getattr__ would make every attribute slower.
for _op in " ".join(GROUPS).split():
    setattr(CloudMap, _op, refusing(_op))
for _name, _op in (
    ("host_read", "read"),
    ("host_peek", "peek"),
    ("host_push", "push"),
    ("host_samples", "last"),
    ("host_subscribe", "subscribe"),
    ("resize", "resize"),
    ("__iter__", "keys"),
    ("__contains__", "lookup"),
):
    setattr(CloudMap, _name, refusing(_op))


class _Gone:
    """What a retired map becomes. A __getattr__ in CloudMap would make every attribute of living maps slower."""

    definition: MapDef

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("_") and not attribute.startswith("__"):
            raise StaleMap(f"map {self.definition.name!r}: the registry was reset and the map is gone; make it again")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")


@cache
def _gone(of: type[CloudMap]) -> type[CloudMap]:
    return type(of.__name__, (_Gone, of), {})
