"""What a board tells of its maps, and the requests behind it. A board may be broken or mean harm: its answers are checked here."""

import contextlib
import struct
from binascii import crc32
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from struct import pack, unpack, unpack_from
from typing import Protocol

from boardmaps.abi import (
    INFO_FORMAT,
    INFO_SIZE,
    OP_CREATE,
    OP_INFO,
    OP_LIST,
    STATUS_MISS,
    STATUS_OK,
    TAG_PARAMETERS,
    TAG_SCHEMA,
    TAG_SCHEMA_SUM,
)
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidDefinition, MapError, error_for
from boardmaps_host.client.errors import LinkError
from boardmaps_host.kinds import by_number
from boardmaps_host.terminal import harmless
from boardmaps_host.typed import known

_MOST_MAPS = 8192  # that a board is believed to have: their records take 3 MB


class Asked(Protocol):
    """What has requests executed: a Link."""

    @property
    def boot(self) -> str:
        """The board's boot id."""
        ...

    def request(self, payload: bytes, changes: bool = True, boot: str | None = None) -> bytes:
        """Have one request executed, exactly once, and return its reply; with `boot` in this boot only."""
        ...


class AskedTogether(Asked, Protocol):
    """What has several requests executed in one flight: a Link."""

    def requests(self, payloads: Sequence[bytes], changes: bool = True, boot: str | None = None) -> list[bytes]:
        """Have them executed in order, and return their replies."""
        ...


@contextlib.contextmanager
def reading(what: str, changed: bool = False) -> Iterator[None]:
    """Raise LinkError when what stands in this block finds that the board's answer is not what SPEC.md says.

    `changed`: whether the request has changed something.
    """
    try:
        yield
    except (struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError) as e:
        done = " The change was made." if changed else ""
        error = LinkError(f"{what}: the board's answer is not what it should be ({e}).{done}")
        error.may_have_happened = changed
        raise error from e


@dataclass(frozen=True)
class MapInfo:
    """What a board tells of one map; sizes in bytes, `count` the entries in use, `offset` the slice's place in the pool.

    `cpus` is how many values an entry has: 1 but for per-CPU types. `peak` is the highest count so far (a RingBuf's is the most
    bytes that were in use). `parameters` are the type's, as create() takes them.
    """

    id: int
    map_type: int
    key_size: int
    value_size: int
    max_entries: int
    map_flags: int
    count: int
    offset: int
    slice_bytes: int
    frozen: bool
    name: str
    cpus: int
    peak: int
    parameters: bytes = b""
    schema: str = ""
    schema_sum: int | None = None

    @property
    def type_name(self) -> str:
        """bpftool's name of the map's type: hash, array, …"""
        return by_number(self.map_type).word

    @property
    def definition(self) -> MapDef:
        """The map's definition. Raises MapError when there can be no such map."""
        kind = by_number(self.map_type)
        given = unpack_from("<" + kind.parameters[0], self.parameters) if self.parameters and kind.parameters else ()
        functions = dict(zip(kind.parameters[1:], given, strict=bool(given))).get("functions", 0)
        sizes = (self.key_size, self.value_size, self.max_entries)
        parts = (self.map_type, *sizes, self.map_flags, self.name)
        try:
            return MapDef(*parts, functions=functions, schema=self.schema)
        except InvalidDefinition:  # a schema of a later boardmaps should not take the bytes away
            d = MapDef(*parts, functions=functions)
            d.schema = self.schema
            return d

    @classmethod
    def unpack(cls, record: bytes) -> "MapInfo":
        """Read one record of CREATE, INFO or LIST, without its length. Raises ValueError, KeyError or struct.error."""
        *numbers, frozen, name, cpus, peak = unpack(INFO_FORMAT, record[:INFO_SIZE])
        by_number(numbers[1])
        at, parameters, schema, schema_sum = INFO_SIZE, b"", b"", None
        while at < len(record):
            tag, n = unpack_from("<BH", record, at)
            at += 3 + n
            if at > len(record):
                raise ValueError("a part of a record is cut short")
            part = record[at - n : at]
            if tag == TAG_PARAMETERS:
                parameters = part
            elif tag == TAG_SCHEMA:
                schema = part
            elif tag == TAG_SCHEMA_SUM:
                schema_sum = int.from_bytes(part, "little")  # other tags are for later hosts
        text = harmless(name.rstrip(b"\0").decode("ascii", "replace"))
        fields = [*numbers, bool(frozen), text, cpus, peak, parameters, harmless_schema(schema), schema_sum]
        info = cls(*fields)
        with contextlib.suppress(MapError):  # a definition that cannot be is told when it is used
            _ = info.definition
        return info


def harmless_schema(text: bytes) -> str:
    """Return a schema's text. Raises ValueError for one with control characters, beside the line feed."""
    schema = text.decode()
    if any(c < " " and c != "\n" for c in schema):
        raise ValueError("a schema with control characters")
    return schema


def ask(link: Asked, payload: bytes, changes: bool = False, boot: str | None = None) -> bytes | None:
    """Have one request executed; return the reply's data, None for a miss. Raises the MapError that the board raised."""
    return answer(link.request(payload, changes, boot))


def answer(reply: bytes) -> bytes | None:
    """Return a reply's data, None for a miss; raise the MapError that it stands for."""
    status = reply[0]
    if status == STATUS_OK:
        return reply[1:]
    if status == STATUS_MISS:
        return None
    text, zero, done = reply[1:].partition(b"\0")
    error = error_for(status)(harmless(text.decode("utf-8", "replace")))
    if zero:
        error.done = int.from_bytes(done[:4], "little")  # how far a batch came
    raise error


def create(link: Asked, d: MapDef, parameters: bytes = b"") -> MapInfo:
    """Make a map on the board; return what it tells of it. `parameters` are the type's, as the kind packs them."""
    name = d.name.encode()
    sizes = pack("<B5IB", OP_CREATE, d.map_type, d.key_size, d.value_size, d.max_entries, d.map_flags, len(name))
    schema = d.schema.encode()
    parts = pack("<BH", TAG_PARAMETERS, len(parameters)) + parameters if parameters else b""
    parts += pack("<BH", TAG_SCHEMA, len(schema)) + schema if schema else b""
    data = ask(link, sizes + name + parts, changes=True) or b""
    with reading(f"create {d.name!r}", changed=True):
        return one(data)


def one(data: bytes) -> MapInfo:
    """Return the one record that `data` is. Raises ValueError, KeyError or struct.error."""
    (info,) = _records(data)
    return info


def _records(data: bytes) -> Iterator[MapInfo]:
    at = 0
    while at < len(data):
        (n,) = unpack_from("<H", data, at)
        at += 2 + n
        if at > len(data):
            raise ValueError("a record is cut short")
        yield MapInfo.unpack(data[at - n : at])


def listing(link: Asked, boot: str | None = None) -> list[MapInfo]:
    """Return what the board tells of all its maps, in the order of their creation; with `boot` in this boot only.

    Of schemas the board tells sums alone; a text that this user has not met before is asked for, and kept.
    """
    found: list[MapInfo] = []
    _go_on(link, found, boot)
    return [_with_schema(link, info, boot) for info in found]


def listing_beside(link: AskedTogether, last: int, others: Sequence[bytes]) -> tuple[list[MapInfo], list[bytes]]:
    """Return what listing() does, and the replies to other requests, which change nothing: all in one flight, as a rule.

    `last` is the number of the last map as far as known, 0 for not at all. The list is complete whatever it is; when it is not
    the last one's number, more is asked.
    """
    asked = [_list_behind(0), *([_list_behind(last)] if last else [])]
    replies = link.requests([*asked, *others], changes=False)
    found: list[MapInfo] = []
    _take(answer(replies[0]) or b"", found)
    whole = not found
    if last and found and found[-1].id == last:
        data = answer(replies[1]) or b""
        _take(data, found)
        whole = not data
    if not whole:
        _go_on(link, found, None)
    return [_with_schema(link, info, None) for info in found], replies[len(asked) :]


def _with_schema(link: Asked, info: MapInfo, boot: str | None) -> MapInfo:
    if info.schema_sum is None:
        return info
    text = known.schema(info.schema_sum)
    if text is None:
        data = ask(link, pack("<BH", OP_INFO, info.id), boot=boot) or b""
        with reading(f"info {info.name!r}"):
            text = one(data).schema
            if crc32(text.encode()) == info.schema_sum:
                known.keep(text)
    return replace(info, schema=text)


def _list_behind(last: int) -> bytes:
    return pack("<BH", OP_LIST, last)


def _go_on(link: Asked, found: list[MapInfo], boot: str | None) -> None:
    """Ask for the maps behind those that were found, until there are no more."""
    while data := ask(link, _list_behind(found[-1].id if found else 0), boot=boot):
        _take(data, found)


def _take(data: bytes, found: list[MapInfo]) -> None:
    """Add the maps of a reply to those that were found."""
    with reading("list of maps"):
        for info in _records(data):
            if found and info.id <= found[-1].id:
                raise ValueError(f"map {info.id} comes behind map {found[-1].id}")
            if len(found) == _MOST_MAPS:
                raise ValueError(f"more than {_MOST_MAPS} maps")
            found.append(info)
