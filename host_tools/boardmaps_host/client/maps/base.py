"""A board's maps as objects: the same methods as the maps themselves, each one request on the line.

More than 300 lines: one method a request.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from struct import pack, unpack, unpack_from
from typing import TYPE_CHECKING, NoReturn, Protocol

from boardmaps.abi import (
    BPF_ANY,
    BPF_EXIST,
    BPF_NOEXIST,
    OP_ADD,
    OP_BATCH_DELETE,
    OP_BATCH_LOOKUP,
    OP_BATCH_LOOKUP_AND_DELETE,
    OP_BATCH_UPDATE,
    OP_CLEAR,
    OP_COMPARE_AND_SWAP,
    OP_DELETE,
    OP_FREEZE,
    OP_INFO,
    OP_LOOKUP,
    OP_LOOKUP_AND_DELETE,
    OP_NEXT_KEY,
    OP_PIN,
    OP_SUBSCRIBE,
    OP_UPDATE,
    U32_MAX,
)
from boardmaps.errors import InvalidFlags, InvalidKeySize, InvalidValueSize, MapError, NotSupported, StaleMap
from boardmaps.refusals import GROUPS, is_operation
from boardmaps_host.arguments import Arguments
from boardmaps_host.client import subscribe
from boardmaps_host.client.errors import LinkError, Restarted
from boardmaps_host.client.events import Change, Subscription
from boardmaps_host.client.info import Asked, MapInfo, ask, listing, one, reading
from boardmaps_host.client.pins import unpin
from boardmaps_host.kinds import by_class, by_number

Buffer = bytes | bytearray | memoryview
Key = Buffer | int
Page = tuple[int | None, list[bytes], list[bytes]]

ALL = " ".join(GROUPS).split()
_RESTARTS = 4  # of the board, that a call goes on after
_PAGE = 0xFFFF  # entries asked for at once; the board sends what fits its frame

__all__ = ["Buffer", "Key", "Linked", "MapInfo", "Page", "RemoteMap", "ask"]


class Linked(Asked, subscribe.Subscribing, Protocol):
    """What a map needs of the connection to its board: a Link."""

    @property
    def name(self) -> str:
        """The name of the port."""
        ...

    @property
    def mtu(self) -> int:
        """The most bytes of a request that a frame takes."""
        ...


# What the board is asked for although it refuses: it looks at the rights first, so the error may be NotPermitted
_ASKED = {
    "lookup": (OP_LOOKUP, b""),
    "update": (OP_UPDATE, bytes(6)),
    "delete": (OP_DELETE, b""),
    "lookup_and_delete": (OP_LOOKUP_AND_DELETE, b""),
    "next_key": (OP_NEXT_KEY, b"\0"),
    "batch_lookup": (OP_BATCH_LOOKUP, bytes(10)),
    "batch_lookup_and_delete": (OP_BATCH_LOOKUP_AND_DELETE, bytes(10)),
}


def _refusing(op: str) -> Callable[..., None]:
    def refuse(self: "RemoteMap", *_: object, **__: object) -> None:
        if op in _ASKED:
            self._ask(*_ASKED[op])
        raise NotSupported(f"{op} {self.name!r}: a {self._kind.class_name} has no such operation over the line")

    refuse.__name__ = op
    refuse.__doc__ = f"Raise NotSupported: this type of map has no {op}()."
    return refuse


class RemoteMap(Arguments):
    """A map on a board: what a host may do with it, with the board's own checks and errors.

    `offset` and `size` are its place in the board's pool, bytes. The object stands for the map of its name and definition: when
    the board has restarted, the next call finds it again, under another `id` perhaps, or raises StaleMap.
    """

    def __init__(self, link: Linked, info: MapInfo) -> None:
        self._link = link
        self._boot = link.boot  # in which `id` is the map's number
        self._parameters = info.parameters
        self.id = info.id
        self.definition = info.definition
        self.offset = info.offset
        self.size = info.slice_bytes
        self._kind = by_number(info.map_type)
        self._value_size = info.value_size  # of a value as it goes over the line

    @property
    def name(self) -> str:
        """The map's name, '' when it has none."""
        return self.definition.name

    def __init_subclass__(cls) -> None:
        """Have a class refuse what its kind lacks and this one has, before it looks at anything that it is given."""
        kind = by_class(cls.__name__.removeprefix("Remote"))
        for op in ALL if kind else ():
            if kind and not kind.has(op) and op in RemoteMap.__dict__:
                setattr(cls, op, _refusing(op))
        if kind and not kind.has("keys"):
            cls.__contains__ = _refusing("contains")  # type: ignore[method-assign,assignment] # not even where lookup is peek

    if not TYPE_CHECKING:  # a checker refuses what a class does not have

        def __getattr__(self, name: str) -> Callable[..., NoReturn]:
            """Return a function that refuses, for an operation that other types have."""
            if not is_operation(name):  # also what __init__ has not set yet
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

            def refuse(*_: object, **__: object) -> NoReturn:
                raise NotSupported(
                    f"{name} {self.name!r}: a {self._kind.class_name} has no such operation over the line"
                )

            return refuse

    def for_every_cpu(self, value: Buffer) -> bytes:
        """Return what update() takes to set this value: here itself, in a per-CPU map a row of it."""
        return bytes(value)

    def of_every_cpu(self, value: bytes) -> list[bytes]:
        """Return the values in what lookup() gives: here this one, in a per-CPU map one for each CPU."""
        return [value]

    def info(self) -> MapInfo:
        """Ask the board what it knows of the map now."""
        data = self._ask(OP_INFO) or b""
        with reading(f"info {self.name!r}"):
            return one(data)

    @property
    def frozen(self) -> bool:
        """Whether the host may no longer write."""
        return self.info().frozen

    @property
    def peak(self) -> int:
        """The most entries that were in use at one time since the map was made (an array's all are); a RingBuf's bytes."""
        return self.info().peak

    def _ask(self, op: int, data: bytes = b"", changes: bool = False) -> bytes | None:
        """Have an operation on the map executed; return the reply's data, None for a miss."""
        for _ in range(_RESTARTS):
            try:
                return ask(self._link, bytes((op, self.id & 0xFF, self.id >> 8)) + data, changes, self._boot)
            except Restarted:
                self._find_again()
        raise LinkError(f"{self._link.name}: the board restarts again and again.")

    def _find_again(self) -> None:
        """Take the number that the map has in the board's present boot. Raises StaleMap, Restarted in a rare race."""
        boot = self._link.boot
        with contextlib.suppress(Restarted):  # then the next call of _ask() comes here again
            found = [
                m
                for m in listing(self._link, boot)
                if self.name == m.name and self._parameters == m.parameters and self.definition == m.definition
            ]
            if not self.name or len(found) != 1:
                why = (
                    f"it has {len(found)} maps"
                    if self.name
                    else "a map without a name is not found again, and there are"
                )
                raise StaleMap(f"map {self.name!r}: the board restarted, and {why} of this name and definition")
            self.id, self.offset, self.size = found[0].id, found[0].offset, found[0].slice_bytes
            self._boot = boot

    # The way in: everything is looked at here before anything is sent, key, value, flags, each its type first.

    def _key(self, op: str, key: Key | None) -> bytes:
        """Return the key as bytes of the right length."""
        k = self._bytes(op, "key", key)
        if len(k) != self.definition.key_size:
            raise InvalidKeySize(f"{op} {self.name!r}: key is {len(k)} bytes, not {self.definition.key_size}")
        return k

    def lookup(self, key: Key) -> bytes | None:
        """Return the value, or None on a miss."""
        return self._ask(OP_LOOKUP, self._key("lookup", key))

    def lookup_into(self, key: Key, out: bytearray | memoryview) -> bool:
        """Copy the value into `out` (value_size bytes, writable); return False on a miss."""
        k = self._key("lookup_into", key)
        target = self._out("lookup_into", out)
        value = self._ask(OP_LOOKUP, k)
        if value is not None:
            target[:] = value
        return value is not None

    def _out(self, op: str, out: bytearray | memoryview) -> memoryview:
        """Return the caller's buffer for a value; refuse one that cannot take it before the board is asked."""
        target = self._writable(op, out)
        if len(target) != self._value_size:
            raise InvalidValueSize(f"{op} {self.name!r}: out is {len(target)} bytes, not {self._value_size}")
        return target

    def update(self, key: Key, value: Buffer, flags: int = BPF_ANY) -> None:
        """Create or change an entry: BPF_ANY, BPF_NOEXIST, BPF_EXIST."""
        self._update("update", key, value, flags)

    def _update(self, op: str, key: Key | None, value: Buffer, flags: int) -> None:
        k = self._key(op, key)
        v = self._sized(op, value)
        self._flags(op, flags)
        self._ask(OP_UPDATE, pack("<IH", flags, len(k)) + k + v, changes=True)

    def _flags(self, op: str, flags: int) -> None:
        if not 0 <= self._whole(op, "flags", flags) <= U32_MAX:
            raise InvalidFlags(f"{op} {self.name!r}: unknown flags {flags}")

    def delete(self, key: Key) -> None:
        """Remove a key (an array's entry is set to zero)."""
        self._ask(OP_DELETE, self._key("delete", key), changes=True)

    def lookup_and_delete(self, key: Key) -> bytes | None:
        """Return the value and remove the key in one step; None on a miss."""
        return self._ask(OP_LOOKUP_AND_DELETE, self._key("lookup_and_delete", key), changes=True)

    def next_key(self, key: Key | None = None) -> bytes | None:
        """Return the key behind this one; for None or a key that is not there the first; None at the end."""
        return self._ask(OP_NEXT_KEY, b"\0" if key is None else b"\1" + self._key("next_key", key))

    def freeze(self) -> None:
        """Forbid the host every write, for good."""
        self._ask(OP_FREEZE, changes=True)

    def clear(self) -> None:
        """Remove everything (set an array's values to zero)."""
        self._ask(OP_CLEAR, changes=True)

    def pin(self, every: float | None = None) -> tuple[int, float]:
        """Keep the map's content on the board's file system; return the bytes written, 0 when nothing has changed, and seconds.

        It is durable then, and the map begins with it when the firmware makes it again. `every`: the board looks every so many
        seconds whether it has changed, 0 for at each turn of its server, and pins it then. The seconds are how long the board's
        program stood still.
        """
        if every is not None and not (isinstance(every, int | float) and 0 <= every <= 1e5):
            raise MapError(f"pin {self.name!r}: every is {every!r}, not a number of seconds from 0 to 100,000")
        data = self._ask(OP_PIN, pack("<I", U32_MAX if every is None else int(every * 1000)), changes=True)
        with reading(f"pin {self.name!r}", changed=True):
            written, micros = unpack("<II", data or b"")
            return written, micros / 1e6

    def unpin(self) -> bool:
        """Remove the map's pin; return whether there was one. The map itself stays as it is."""
        return unpin(self._link, self.name)

    def add(self, key: Key, delta: int, offset: int = 0, width: int | None = None) -> int:
        """Add to an unsigned little-endian number in one step and return the new one; it wraps.

        The number is the whole value when that has 1, 2, 4 or 8 bytes; else `width` bytes at `offset`.
        """
        k = self._key("add", key)
        self._whole("add", "delta", delta)
        field = self._field("add", offset, width)
        wrapped = (delta + (1 << 63)) % (1 << 64) - (1 << 63)  # the same modulo 2**64, in a signed word
        data = self._ask(OP_ADD, pack("<IBq", *field, wrapped) + k, changes=True)
        return self._number("add", data)

    def _number(self, op: str, data: bytes | None) -> int:
        with reading(f"{op} {self.name!r}", changed=True):
            number: int = unpack("<Q", data or b"")[0]
            return number

    def _field(self, op: str, offset: int, width: int | None) -> tuple[int, int]:
        """Return a number's offset and width as a request has them: no width for the whole value, which the board checks."""
        self._whole(op, "offset", offset)
        if width is not None:
            self._whole(op, "width", width)
        if not offset and width is None:
            return 0, 0
        width = self._value_size - offset if width is None else width
        if width not in (1, 2, 4, 8) or not 0 <= offset <= self._value_size - width:
            raise InvalidValueSize(
                f"{op} {self.name!r}: no number of {width} bytes at offset {offset} of {self._value_size}"
            )
        return offset, width

    def compare_and_swap(self, key: Key, expected: Buffer, new: Buffer) -> bool:
        """Store `new` if the value is `expected`, in one step; return whether it was. Raises KeyNotFound."""
        op = "compare_and_swap"
        k = self._key(op, key)
        values = self._sized(op, expected) + self._sized(op, new)
        data = self._ask(OP_COMPARE_AND_SWAP, pack("<H", len(k)) + k + values, changes=True)
        return data == b"\1"

    def _sized(self, op: str, value: Buffer) -> bytes:
        v = self._bytes(op, "value", value)
        if len(v) != self._value_size:
            raise InvalidValueSize(f"{op} {self.name!r}: value is {len(v)} bytes, not {self._value_size}")
        return v

    def batch_update(self, keys: Sequence[Key], values: Sequence[Buffer], flags: int = BPF_ANY) -> int:
        """Store many entries, as many in one step as fit a frame; return how many.

        Stops at the first that update() would refuse: that error is raised, `done` of it says how many were stored.
        """
        op = "batch_update"
        if len(keys) != len(values):
            raise InvalidValueSize(f"{op} {self.name!r}: {len(keys)} keys, but {len(values)} values")
        self._types(op, "key", keys)
        self._types(op, "value", values)
        if not keys and self._whole(op, "flags", flags) not in (BPF_ANY, BPF_NOEXIST, BPF_EXIST):
            raise InvalidFlags(f"{op} {self.name!r}: unknown flags {flags}")

        def entry(i: int) -> bytes:
            k, v = self._key(op, keys[i]), self._sized(op, values[i])
            self._flags(op, flags)
            return k + v

        head = pack("<I", flags) if isinstance(flags, int) and 0 <= flags <= U32_MAX else b""
        return self._batch(OP_BATCH_UPDATE, head, len(keys), entry)

    def batch_delete(self, keys: Sequence[Key]) -> int:
        """Remove many keys; return how many. Stops at the first error, `done` of which says how many were removed."""
        self._types("batch_delete", "key", keys)
        return self._batch(OP_BATCH_DELETE, b"", len(keys), lambda i: self._key("batch_delete", keys[i]))

    def _batch(self, op: int, head: bytes, count: int, entry: Callable[[int], bytes]) -> int:
        """Send `count` entries, a frame at a time: the next one must not run when one before it stopped."""
        room = self._link.mtu - 3 - len(head)
        done = 0
        try:
            while done < count:
                page: list[bytes] = []
                wrong: MapError | None = None
                while done + len(page) < count and wrong is None:
                    try:
                        one = entry(done + len(page))
                    except MapError as error:
                        wrong = error
                        break
                    if page and len(one) * (len(page) + 1) > room:
                        break
                    page.append(one)
                if page:
                    self._ask(op, head + b"".join(page), changes=True)
                    done += len(page)
                if wrong is not None:
                    raise wrong
        except MapError as error:
            error.done += done
            raise
        except LinkError as error:
            error.may_have_happened = error.may_have_happened or done > 0
            raise
        return done

    def batch_lookup(self, cursor: int | None = None, count: int = _PAGE) -> Page:
        """Return (cursor for the next page or None at the end, keys, values), at most `count` and what fits one frame."""
        return self._page("batch_lookup", OP_BATCH_LOOKUP, cursor, count)

    def batch_lookup_and_delete(self, cursor: int | None = None, count: int = _PAGE) -> Page:
        """Do what batch_lookup does, and remove these entries."""
        return self._page("batch_lookup_and_delete", OP_BATCH_LOOKUP_AND_DELETE, cursor, count)

    def _page(self, name: str, op: int, cursor: int | None, count: int) -> Page:
        if cursor is not None and not (isinstance(cursor, int) and 0 < cursor < 1 << 64):
            raise MapError(f"{name} {self.name!r}: {cursor!r} is not a cursor that a batch call of this map gave")
        if not isinstance(count, int) or count < 0:
            raise MapError(f"{name} {self.name!r}: count is {count}, not a number from 0 up")
        if count == 0:
            return cursor, [], []
        changes = op == OP_BATCH_LOOKUP_AND_DELETE
        data = self._ask(op, pack("<QH", cursor or 0, min(count, _PAGE)), changes) or b""
        k, size = self.definition.key_size, self.definition.key_size + self._value_size
        with reading(f"{name} {self.name!r}", changes):
            after, n = unpack_from("<QH", data)
            if len(data) != 10 + n * size:
                raise ValueError(f"{n} entries in {len(data)} bytes")
            entries = [data[i : i + size] for i in range(10, 10 + n * size, size)]
            return after or None, [e[:k] for e in entries], [e[k:] for e in entries]

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Walk the entries: a key that stays is met exactly once, whatever the board does meanwhile."""
        cursor: int | None = None
        seen = 0
        while True:
            cursor, keys, values = self.batch_lookup(cursor)
            yield from zip(keys, values, strict=True)
            seen += len(keys) or 1
            if cursor is None:
                return
            if seen > self.definition.max_entries * 2:  # entries come and go; but no walk of a sound board is so long
                raise LinkError(f"{self._link.name}: the walk of {self.name!r} does not end.")

    def keys(self) -> Iterator[bytes]:
        """Walk the keys, as items() does."""
        for key, _ in self.items():
            yield key

    def watch(
        self, key: Key | None = None, *, every: float = 0.05, callback: Callable[[Change], None] | None = None
    ) -> Subscription[Change]:
        """Have the board push the changes of one key, or of the whole map (None): iterate, or give a callback.

        First comes what is there. The board looks every `every` seconds: values between two looks are not told, the last
        one always is. A look at a map costs the board a CRC over its slice, so a large one is better watched less often.
        """
        k = None if key is None else self._key("watch", key)
        return subscribe.changes(self._link, self._subscribe, self.definition, k, every, callback)

    def _subscribe(self, every: int = 0, key: bytes = b"") -> int:
        """Have the board begin a subscription; return its number. Nothing that the map holds is changed."""
        with reading(f"subscribe {self.name!r}"):
            (given,) = self._ask(OP_SUBSCRIBE, pack("<H", every) + key) or b""
            return given

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def __len__(self) -> int:
        return self.info().count

    def __contains__(self, key: Key) -> bool:
        return self.lookup(key) is not None

    def __repr__(self) -> str:
        return f"<{self._kind.class_name} {self.name!r} id {self.id} on {self._link.name}>"
