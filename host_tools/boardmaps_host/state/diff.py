"""What two snapshots differ in, map by map and key by key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from boardmaps import slices as parts

from .slices import Slice

GONE, NEW, CHANGED, DEFINITION, UNREADABLE = "gone", "new", "changed", "definition", "unreadable"


@dataclass(frozen=True)
class Difference:
    """A difference: in which map, what it is, at which key (None: it is about the whole map), the value before and after.

    `what`: new and gone of a map or an entry, changed of a value, definition when two maps of a name are not the same, unreadable
    when one of them is not whole. A record's key is its number, a sample's its timestamp, a queued value's its place, as text.
    """

    map: str
    what: str
    key: bytes | str | None = None
    before: bytes | None = None
    after: bytes | None = None
    text: str = ""


def diff(before: Iterable[Slice], after: Iterable[Slice]) -> Iterator[Difference]:
    """Yield what has changed, in the order of the maps. Maps are the same by name; those without one by their place among them."""
    old, new = _by_name(before), _by_name(after)
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield Difference(name, GONE)
        elif name not in old:
            yield Difference(name, NEW)
        else:
            yield from _of_map(name, old[name], new[name])


def _by_name(found: Iterable[Slice]) -> dict[str, Slice]:
    maps: dict[str, Slice] = {}
    for one in found:
        name = one.name
        if not name or name in maps:
            name = next(f"{name}#{n}" for n in range(1, len(maps) + 2) if f"{name}#{n}" not in maps)
        maps[name] = one
    return maps


def _of_map(name: str, a: Slice, b: Slice) -> Iterator[Difference]:
    if (a.definition, a.parameters) != (b.definition, b.parameters):
        yield Difference(name, DEFINITION, text=f"{a.definition!r} became {b.definition!r}")
        return
    if a.definition.cpus != b.definition.cpus:
        yield Difference(name, DEFINITION, text=f"values of {a.definition.cpus} CPUs became {b.definition.cpus}")
        return
    if wrong := a.wrong or b.wrong:
        yield Difference(name, UNREADABLE, text=wrong)
        return
    if a.frozen != b.frozen:
        yield Difference(name, CHANGED, text="it is frozen now" if b.frozen else "it is not frozen any more")
    old, new = _keyed(a), _keyed(b)
    for key, value in old.items():
        if key not in new:
            yield Difference(name, GONE, key, before=value)
        elif new[key] != value:
            yield Difference(name, CHANGED, key, value, new[key])
    for key, value in new.items():
        if key not in old:
            yield Difference(name, NEW, key, after=value)


def _keyed(one: Slice) -> dict[bytes | str, bytes]:
    """Return what is in a map by something that tells two of it apart."""
    if one.hidden:
        return {}
    if one.what == parts.OF_ENTRIES:
        return dict(one.entries())
    if one.what == parts.OF_BITS:
        bits = b"".join(one.contents())
        return {f"bits {at * 8} to {at * 8 + 511}": bits[at : at + 64] for at in range(0, len(bits), 64)}
    if one.what == parts.OF_VALUES:
        return {f"place {n}": value for n, value in enumerate(one.values())}
    word = "number" if one.what == parts.OF_RECORDS else "at"
    found: dict[bytes | str, bytes] = {}
    for key, value in one.records() if one.what == parts.OF_RECORDS else one.samples():
        name = f"{word} {key}"
        found[name if name not in found else f"{name} ({len(found)})"] = value
    return found
