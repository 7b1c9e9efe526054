"""A difference between two snapshots as a row of a table: by the names of the map's schema, where it has one, else in bytes."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from boardmaps import slices as parts

from .typed import Names

if TYPE_CHECKING:
    from boardmaps_host.state.diff import Difference
    from boardmaps_host.state.slices import Slice


class Rows:
    """Makes the rows. `found` are the maps of both snapshots: where bytes of a map differ, its definition is the same in both."""

    def __init__(self, found: "Iterable[Slice]") -> None:
        self._maps = {one.name: (one, Names(one)) for one in found if one.name and one.what != parts.OF_BITS}

    def __call__(self, one: "Difference") -> tuple[str, ...]:
        """Return map, what, key, before and after; of a value that has changed only the fields that have."""
        there = self._maps.get(one.map)
        if isinstance(one.key, bytes):
            key = ",".join(there[1].key_cells(one.key)) if there else one.key.hex(" ")
        else:
            key = one.text if one.key is None else one.key
        before, after = (self._fields(there, value) if there else None for value in (one.before, one.after))
        if before and after:
            changed = [name for name, text in before.items() if after.get(name) != text]
            before, after = ({name: of[name] for name in changed} for of in (before, after))
        return one.map, one.what, key, _shown(one.before, before), _shown(one.after, after)

    def _fields(self, there: "tuple[Slice, Names]", value: bytes | None) -> dict[str, str] | None:
        """Return what each field of a value has, in a per-CPU map once for each CPU; None where bytes are all that there is."""
        one, names = there
        if value is None or names.value is None or len(value) < names.value.size:
            return None
        from boardmaps_host.typed.values import show  # saves start-up time: few maps are typed

        return {
            f"cpu{cpu} {field.name}" if one.kind.per_cpu else field.name: show(field, part)
            for cpu, part in enumerate(one.of_every_cpu(value))
            for field in names.value.fields
        }


def _shown(value: bytes | None, fields: dict[str, str] | None) -> str:
    if value is None:
        return "-"
    return ", ".join(f"{name} {text}" for name, text in fields.items()) if fields else value.hex(" ")
