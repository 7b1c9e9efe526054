"""What all maps of the cloud profile share: definition, number, lock, freeze, and the texts of their errors.

How the maps are safe for many threads, with CPython's global lock in place:

- A lookup is one operation of a C type on an immutable value (a dict's, or a copy out of a buffer): readers take no
  lock, never wait for each other and cannot see half of a value.
- A writer holds the map's lock, taken by a plain ``with``, which a Ctrl-C cannot leave locked.
- One write goes without: storing the value of a key that is there. CPython changes threads and runs signal handlers at
  calls and backward jumps only, so ``if key in data:`` and the store behind it are one step; a test looks at the
  bytecode of every such place. Whatever else adds or removes a key takes the lock, but for a new key of an LRU map that
  nobody watches (no on_evict, no walk so far): there lru-dict makes room in the same step.

CPython without the global lock ("free-threaded") is not supported, nor what a debugger does between two lines.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from threading import Lock
from typing import Any, NoReturn, Protocol

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
from boardmaps.refusals import GROUPS, refused

BytesLike = bytes | bytearray | memoryview
Key = BytesLike | int  # an int only where keys are indices

MEMORY_LIMIT = (1 << 32) - 4096  # bytes of keys and values in one map: where the kernel says ENOMEM to an array


class Home(Protocol):
    """What holds new maps: a Registry (registries.py)."""

    def admit(self, new: CloudMap) -> int:
        """Take a map and return its number."""
        ...


homes: list[
    Home
] = []  # the last one gets the maps that are made now; registries.py keeps it, the process's own at the bottom

_serials = count(1)  # tells the maps of all registries apart


def round_up_8(n: int) -> int:
    """Return n rounded up to a multiple of 8, as the kernel does with the sizes of keys and values."""
    return n + 7 & ~7


class CloudMap:
    """Base of all maps on the heap. `id` is the map's number, `definition` what it was made from (sizes in bytes).

    `frozen` is whether the host may no longer write. Code that holds this object is the firmware's side and still may,
    as BPF programs may.
    """

    # What boardmaps.line.operations asks of a map beside its own methods; that module says what they are.
    cpus = 1
    by_host = False
    subscribe_needs = ("lookup", BPF_F_WRONLY)

    _instead = "use lookup, update and delete"  # what a refusal says at its end
    offset = 0  # a pool's notion: a map on the heap has no place that means anything to others

    def __init__(self, definition: MapDef) -> None:
        self._limit_memory("create", definition, definition.max_entries)
        self.definition = definition
        self.frozen = False
        self._lock = Lock()
        self._most = 0
        self._serial = next(_serials)
        self._key_size = definition.key_size
        self._value_size = definition.value_size
        self._set_up()
        self.id = homes[-1].admit(self)

    def _set_up(self) -> None:
        """Make the storage; the definition is there already. Runs before any other thread can know the map."""
        raise NotImplementedError

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
        with self._lock:
            if self.frozen:
                raise NotPermitted(f"freeze {self.name!r}: the map is frozen already")
            self.frozen = True

    def host_lookup_and_delete(self, key: Key, out: memoryview) -> bool:
        """Copy the value into `out` and remove the key in one step; False on a miss."""
        return self._given(self.lookup_and_delete(key), out)  # type: ignore[attr-defined] # each has it, or refuses

    @staticmethod
    def _given(value: bytes | None, out: memoryview) -> bool:
        if value is not None:
            out[:] = value
        return value is not None

    def host_parameters(self) -> bytes:
        """Return the type parameters as from_definition() takes them, nothing where the type has none."""
        return b""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} id {self.id}>"

    def _retire(self) -> None:
        """Free the storage. What was there is missing from now on, which _Gone turns into StaleMap."""
        with self._lock:
            self.__class__ = _gone(type(self))  # type: ignore[arg-type] # mypy takes a class for unhashable here
            for attribute in [a for a in vars(self) if a.startswith("_")]:
                delattr(self, attribute)

    def _in_use(self) -> int:
        return len(self)  # type: ignore[arg-type] # every map has a length

    def _note(self, in_use: int) -> None:
        """Remember how full the map is, for `peak`: called, with the lock held, before entries go, which is enough."""
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
        return MapDef(old.map_type, old.key_size, old.value_size, new_max_entries, old.map_flags, old.name)

    def _bytes(self, op: str, what: str, given: Key) -> bytes:
        """Return `given` as bytes that nobody else can change."""
        if type(given) is bytes:
            return given
        try:
            return bytes(memoryview(given))  # type: ignore[arg-type] # an int is refused here
        except TypeError:
            raise TypeError(f"{op} {self.name!r}: a {what} is bytes-like, not {type(given).__name__}") from None

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

    def _writable(self, op: str, out: bytearray | memoryview) -> memoryview:
        """Return the caller's buffer as bytes that can be written."""
        try:
            target = memoryview(out).cast("B")
        except TypeError:
            target = memoryview(b"")
        if target.readonly:
            raise TypeError(f"{op} {self.name!r}: out is a writable buffer, not {type(out).__name__}")
        return target

    def _out(self, op: str, out: bytearray | memoryview) -> memoryview:
        """Return the caller's buffer for a value, ready to be filled."""
        target = self._writable(op, out)
        if len(target) != self.definition.value_size:
            raise InvalidValueSize(f"{op} {self.name!r}: out is {len(target)} bytes, not {self.definition.value_size}")
        return target

    def _flags(self, op: str, flags: int) -> None:
        if flags not in (BPF_ANY, BPF_NOEXIST, BPF_EXIST):
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


def _refusing(op: str) -> Any:
    def refuse(self: CloudMap, *_: object, **__: object) -> None:
        self._lock  # noqa: B018 - a retired map has none, and raises StaleMap
        refused(self, op)

    refuse.__name__ = op
    refuse.__doc__ = f"Raise NotSupported: this type of map has no {op}()."
    return refuse


# What some types have the others refuse. As attributes of the base: a __getattr__ would make every attribute slower.
for _op in " ".join(GROUPS).split():
    setattr(CloudMap, _op, _refusing(_op))
for _name, _op in (
    ("host_read", "read"),
    ("host_push", "push"),
    ("host_samples", "last"),
    ("host_subscribe", "subscribe"),
    ("__iter__", "keys"),
    ("__contains__", "lookup"),
):
    setattr(CloudMap, _name, _refusing(_op))


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
