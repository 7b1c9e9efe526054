"""A board's maps as a snapshot, and back: over the line from and to a board, directly for a twin in this process.

More than 300 lines: taking and restoring, which ask the board the same things.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Any, Protocol

from boardmaps import slices as parts
from boardmaps.abi import (
    BPF_F_RDONLY,
    BPF_F_WRONLY,
    OP_POOL_READ,
    OP_RESTORE,
    OP_SLICE_SUM,
    RESTORE_BEGIN,
    RESTORE_DATA,
    RESTORE_END,
)
from boardmaps.definition import HEADER_SIZE
from boardmaps.errors import KeyNotFound, MapError, NotPermitted, OutOfMemory
from boardmaps.kernels import plain_check
from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.info import MapInfo, answer, ask, create, listing, reading
from boardmaps_host.client.link import Link
from boardmaps_host.client.pool import RemotePool
from boardmaps_host.state.errors import StateError
from boardmaps_host.state.slices import Slice, read
from boardmaps_host.state.snapshot import Kept, Snapshot

if TYPE_CHECKING:
    from boardmaps_host.twin import Registry

_AGAIN = 4  # times that a map is read again that changed while it was read
_ABOUT = ("machine", "fw", "profile")
_AT_ONCE = 64  # requests between two reports of progress


class Holder(Protocol):
    """What has maps: a Board."""

    link: Link
    pool: RemotePool

    @property
    def info(self) -> Mapping[str, str]:
        """What the board said when we connected."""
        ...

    def maps(self) -> list[MapInfo]:
        """Return what the board tells of all its maps."""
        ...


@dataclass(frozen=True)
class Restored:
    """What a restore has done: the names of the maps that were filled, of those of them that were made, and of those left out.

    `staged`: all were filled in one step of the board's program.
    """

    maps: list[str]
    made: list[str]
    left_out: list[str]
    staged: bool


def registry_of(board: Holder) -> Registry | None:
    """Return the registry of a twin in this process, None for a board."""
    found: Registry | None = getattr(board.link.connection.line, "registry", None)
    return found


# -- taking a snapshot


def take(board: Holder, names: Sequence[str], progress: Callable[[int, int], None] | None) -> Snapshot:
    """Return a snapshot of the maps with these names, or of all."""
    twin = registry_of(board)
    if twin is not None:
        return twin.snapshot(*names)
    infos = board.maps()
    for name in names:
        if name not in (info.name for info in infos):
            there = ", ".join(info.name or f"(no name, id {info.id})" for info in infos) or "none"
            raise KeyNotFound(f"snapshot {name!r}: the board has no such map; it has: {there}")
    chosen = [info for info in infos if not names or info.name in names]
    kept: dict[int, Kept | None] = dict.fromkeys(info.id for info in chosen)
    left = chosen
    for last in (*[False] * _AGAIN, True):
        if left is not chosen:  # its program goes on between two frames
            for info in left:
                whole = _read_at_once(board, info)
                if whole is not None:
                    kept[info.id] = Kept(whole, False)
            left = [info for info in left if kept[info.id] is None]
        for info, data, same in _read_all(board, left, progress):
            hidden = bool(info.map_flags & BPF_F_WRONLY)
            if same or hidden or last:
                one = read(data, hidden)
                if isinstance(one, str):
                    raise LinkError(f"snapshot: what the board gives of map {info.name!r} is no slice: {one}.")
                kept[info.id] = Kept(one, not (same or hidden))
        left = [info for info in left if kept[info.id] is None]
        if not left:
            break
    about = {word: board.info[word] for word in _ABOUT if word in board.info}
    return Snapshot([one for one in kept.values() if one is not None], about)


def _read_at_once(board: Holder, info: MapInfo) -> Slice | None:
    """Return a map of one moment; None where the board has no heap for a copy, or is of a version that makes none."""
    if info.slice_bytes > 0xFFFF:
        return None
    try:
        data = ask(board.link, pack("<BIHB", OP_POOL_READ, info.offset, info.slice_bytes, 1), boot=board.link.boot)
    except OutOfMemory:
        return None
    found = read(data or b"", hidden=False)
    return None if isinstance(found, str) else found


def _read_all(
    board: Holder, infos: Sequence[MapInfo], progress: Callable[[int, int], None] | None
) -> list[tuple[MapInfo, bytes, bool]]:
    """Read maps, one behind the other without a pause; return each one's bytes, and whether it did not change meanwhile.

    Behind the last byte of a map the board is asked for the CRC-32 of all of it: when that is the one of what came, what came is
    what the map held at that moment.
    """
    link = board.link
    size = min(link.mtu, 0xFFFF) - 1  # the status takes one of the payload's bytes
    requests: list[bytes] = []
    for info in infos:
        for at in range(0, info.slice_bytes, size):
            requests.append(pack("<BIH", OP_POOL_READ, info.offset + at, min(size, info.slice_bytes - at)))
        if not info.map_flags & BPF_F_WRONLY:
            requests.append(pack("<BH", OP_SLICE_SUM, info.id))
    total = sum(info.slice_bytes for info in infos)
    boot = link.boot
    replies: list[bytes] = []
    done = 0
    step = _AT_ONCE if progress else len(requests) or 1
    for first in range(0, len(requests), step):
        got = link.requests(requests[first : first + step], changes=False, boot=boot)
        replies += got
        done += sum(len(reply) - 1 for reply in got)
        if progress:
            progress(min(done, total), total)
    found = []
    at = 0
    for info in infos:
        data = bytearray()
        while len(data) < info.slice_bytes:
            part = answer(replies[at]) or b""
            at += 1
            if len(part) != min(size, info.slice_bytes - len(data)):
                raise LinkError(
                    f"snapshot: the board gives {len(part)} bytes of map {info.name!r} from {len(data)} on."
                )
            data += part
        same = False
        if not info.map_flags & BPF_F_WRONLY:
            with reading("snapshot"):
                same = unpack_from("<I", answer(replies[at]) or b"")[0] == crc32(data)
            at += 1
        found.append((info, bytes(data), same))
    return found


# -- restoring one


def restore(
    board: Holder, snapshot: Snapshot, override: bool, migrate: Mapping[str, Callable[[Any, Any], object]]
) -> Restored:
    """Have the board's maps hold what a snapshot's do."""
    left_out = [kept.name for kept in snapshot.maps if kept.slice.hidden]
    slices = [_sound(kept) for kept in snapshot.maps if not kept.slice.hidden]
    twin = registry_of(board)
    if twin is not None:
        before = set(twin.ids())
        found = twin.load(Snapshot([Kept(one) for one in slices]))
        return Restored([m.name for m in found], [m.name for m in found if m.id not in before], left_out, True)
    boot = board.link.boot
    there = listing(board.link, boot)
    matched = [(one, _match(one, there)) for one in slices]
    pairs: list[tuple[Slice, MapInfo | None]] = [(_fitting(one, info, migrate), info) for one, info in matched]
    for one, info in pairs:
        if info is not None and not override:
            _may_write(one, info)
    new = [one for one, info in pairs if info is None]
    needed, remaining = sum(len(one.data) for one in new), board.pool.remaining() if new else 0
    if needed > remaining:
        names = ", ".join(repr(one.name) for one in new)
        raise StateError(
            f"restore: the maps {names} are not on the board and need {needed:,} bytes, and its pool has {remaining:,} left. "
            "Leave some out, or restore onto a board whose pool is larger; nothing was changed."
        )
    full = [(one, info or _created(board, one)) for one, info in pairs]
    staged = _send(board, full, override, boot)
    return Restored([one.name for one, _ in full], [one.name for one in new], left_out, staged)


def _sound(kept: Kept) -> Slice:
    one = kept.slice
    if kept.changed or one.wrong:
        why = "changed while it was read" if kept.changed else f"is not whole: {one.wrong}"
        raise StateError(
            f"restore: the map {one.name!r} of the snapshot {why}. Leave it out: name the others (snapshot.only(…) in Python); "
            "nothing was changed."
        )
    return one


def _match(one: Slice, there: list[MapInfo]) -> MapInfo | None:
    """Take the map out of those that are there which a slice belongs in, None when there is none."""
    for info in there:
        if info.name == one.name and (one.name or _fits(one, info)):
            there.remove(info)
            return info
    return None


def _fits(one: Slice, info: MapInfo) -> bool:
    same = (info.definition, info.parameters, info.cpus) == (one.definition, one.parameters, one.definition.cpus)
    return same and info.slice_bytes == len(one.data)


def _fitting(one: Slice, info: MapInfo | None, migrate: Mapping[str, Callable[[Any, Any], object]]) -> Slice:
    """Return the slice for a map: as it is, with the map's description of the same layout, or migrated to its definition."""
    if info is not None:
        one = one.described_by(info.schema)
    if info is None or _fits(one, info):
        return one
    if one.name not in migrate:
        what = f"{one.definition!r} in the snapshot, and {info.definition!r} on the board"
        if info.definition == one.definition:
            what = f"one of {one.definition.cpus} CPUs and {one.parameters.hex() or 'no'} parameters in the snapshot, "
            what += f"and of {info.cpus} and {info.parameters.hex() or 'none'} on the board"
        raise StateError(
            f"restore: the map {one.name!r} is {what}. Leave it out, or give a function that migrates it; nothing was changed."
        )
    # saves start-up time: few maps are migrated
    from boardmaps_host.state.migrate import migrated
    from boardmaps_host.twin.registries import Registry
    from boardmaps_host.twin.slices import make_empty

    with Registry():
        empty = make_empty(info.definition, info.parameters, info.cpus)
        return migrated(one, empty, migrate[one.name])


def _may_write(one: Slice, info: MapInfo) -> None:
    """Refuse a map that the computer may not write. The board looks once more."""
    if info.frozen or info.map_flags & BPF_F_RDONLY:
        what = "frozen" if info.frozen else "read-only for the computer"
        raise NotPermitted(
            f"restore {one.name!r}: the map is {what}; leave it out, or override that where the board's server allows it "
            "(allow_restore=True). Nothing was changed"
        )


def _created(board: Holder, one: Slice) -> MapInfo:
    info = create(board.link, one.definition, one.parameters)
    if not _fits(one, info):
        raise StateError(
            f"restore: the board makes the map {one.name!r} with {info.slice_bytes} bytes, not {len(one.data)}."
        )
    return info


def _send(board: Holder, maps: Sequence[tuple[Slice, MapInfo]], override: bool, boot: str) -> bool:
    """Send the slices; return whether the board collects them first."""
    if not maps:
        return True
    link = board.link
    data = [bytearray(one.data) for one, _ in maps]
    for content, (one, _) in zip(data, maps, strict=True):
        if one.what == parts.OF_RECORDS:
            plain_check.settle(content)  # whoever had reserved a record is not there to submit it
    heads = b"".join(pack("<H", info.id) + content[:HEADER_SIZE] for content, (_, info) in zip(data, maps, strict=True))
    begin = pack("<BBBH", OP_RESTORE, RESTORE_BEGIN, override, len(maps)) + heads
    reply = ask(link, begin, changes=False, boot=boot)
    staged = reply == b"\1"
    stream = b"".join(data)
    size = min(link.mtu, 0xFFFF) - 6
    pieces = [pack("<BBI", OP_RESTORE, RESTORE_DATA, at) + stream[at : at + size] for at in range(0, len(stream), size)]
    try:
        for reply in link.requests(pieces, changes=True, boot=boot):
            answer(reply)
        ask(link, pack("<BBI", OP_RESTORE, RESTORE_END, crc32(stream)), changes=True, boot=boot)
    except (LinkError, MapError) as error:
        if not staged:
            error.add_note("boardmaps: a map that was not restored whole cannot be used; restore it again.")
        raise
    return staged
