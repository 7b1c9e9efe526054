"""Python stubs of a board's typed maps: what an editor and a type checker need to know of their keys and fields.

A module NAME of two files: NAME.py is the same for every board, NAME.pyi has a class for each map and for its records. A name that
is no attribute in Python (a keyword, a method of mappings) is left to `record["name"]`.
"""

import inspect
import keyword
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from boardmaps.errors import InvalidDefinition
from boardmaps.schema import Field, Schema, Types
from boardmaps_host.client.board import connect
from boardmaps_host.client.info import MapInfo
from boardmaps_host.kinds import Kind, by_number

_MADE = "Made by `boardmaps stubs`"
MODULE = f'''"""A board whose maps an editor knows: connect() is boardmaps_host's. {_MADE}; the maps are in the .pyi beside it."""

from boardmaps_host import Board as Board
from boardmaps_host import connect as connect
'''
_HEAD = f'''"""The typed maps of a board, for editors and type checkers. {_MADE}; make it again when a schema has changed."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, overload

from boardmaps_host.client.board import Board as _Board
from boardmaps_host.client.info import MapInfo as _MapInfo
from boardmaps_host.typed.records import TypedMap as _TypedMap
'''
_OTHER = "  # type: ignore[override]"  # a record of a stub is no Record, whose attributes may have any name


def write(path: Path, infos: Sequence[MapInfo]) -> list[str]:
    """Write a module's two files, PATH with .pyi and with .py at its end; return the names of the maps that are in it.

    Raises FileExistsError, before anything is written, for a file that something else has made.
    """
    stub, module = path.with_suffix(".pyi"), path.with_suffix(".py")
    for file in (stub, module):
        if file.exists() and _MADE not in file.read_text("utf-8", "replace"):
            raise FileExistsError(
                f"{file} is there, and boardmaps stubs has not made it. Give another name, or remove it"
            )
    typed = [info for info in infos if info.schema and info.name]
    stub.write_text(text(typed), "utf-8")
    module.write_text(MODULE, "utf-8")
    return [info.name for info in typed]


def text(infos: Sequence[MapInfo]) -> str:
    """Return the .pyi of these maps, which have schemas and names."""
    parts, maps = [_HEAD], []
    taken: set[str] = set()
    for info in infos:
        try:
            types = Types(info.schema)
        except InvalidDefinition:  # of a later boardmaps: its bytes are there all the same
            continue
        if types.value is None:
            continue
        name = _class_name(info.name, taken)
        parts += _records(name, [(field.name, field) for field in types.value.fields], info.name)
        parts.append(_map(name, by_number(info.map_type), types.key, info.name))
        maps.append((info.name, name))
    parts.append(_all(maps))
    parts.append(_board())
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _class_name(name: str, taken: set[str]) -> str:
    made = "".join(part[:1].upper() + part[1:] for part in name.replace(".", "_").split("_")) or "Map"
    if not made.isidentifier():
        made = f"Map{made}"
    while made in taken or made in ("Maps", "Board"):
        made += "_"
    taken.add(made)
    return made


def attribute(name: str) -> bool:
    """Whether a field, or a group of them, is an attribute of a record."""
    return not keyword.iskeyword(name) and not hasattr(Mapping, name)


def _records(name: str, fields: Iterable[tuple[str, Field]], what: str) -> list[str]:
    """Return the classes of a record, and before them those of its groups."""
    groups: dict[str, list[tuple[str, Field]]] = {}
    lines, found = [], []
    for path, field in fields:
        first, dot, rest = path.partition(".")
        if dot:
            groups.setdefault(first, []).append((rest, field))
        elif attribute(first):
            lines += _field(first, field)
    for group, inner in groups.items():
        inner_name = f"{name}__{group}"  # no map's class has such a name
        found += _records(inner_name, inner, f"{what}, {group}")
        if attribute(group):
            lines += _read_only(group, f"_{inner_name}")
    head = [
        f"class _{name}(Mapping[str, Any]):",
        f'    """A record of {what}."""',
        "    def __getitem__(self, name: str) -> Any: ...",
        "    def __setitem__(self, name: str, value: Any) -> None: ...",
        "    def __iter__(self) -> Iterator[str]: ...",
        "    def __len__(self) -> int: ...",
        "    def __bytes__(self) -> bytes: ...",
    ]
    return [*found, "\n".join(head + lines)]


def _field(name: str, field: Field) -> list[str]:
    kind = type_of(field)
    doc = _doc(field)
    if field.locked:
        return _read_only(name, kind, doc)
    return [f"    {name}: {kind}", *([f"    {doc}"] if doc else [])]


def _read_only(name: str, kind: str, doc: str = "") -> list[str]:
    lines = ["    @property", f"    def {name}(self) -> {kind}: ..."]
    return [*lines[:1], f"    def {name}(self) -> {kind}:", f"        {doc}"] if doc else lines


def _doc(field: Field) -> str:
    parts = [f"in {field.unit}"] if field.unit else []
    parts += [field.text] if field.text else []
    parts += ["only the firmware writes it"] if field.locked else []
    parts += ["takes effect after a restart"] if field.restart else []
    return repr("; ".join(parts)) if parts else ""


def type_of(field: Field) -> str:
    """Return the type of what a field of a record is."""
    if field.letter == "s":
        one = "bytes" if field.kind.endswith("b") else "str"
    elif field.names and field.bits:
        one = f"tuple[{_literal(field.names.values())} | int, ...]"
    elif field.names:
        one = f"{_literal(field.names.values())} | int"
    elif field.letter == "?":
        one = "bool"
    else:
        one = "int" if field.whole and field.over == 1 else "float"
    return f"tuple[{one}, ...]" if field.count else one


def _literal(names: Iterable[str]) -> str:
    return f"Literal[{', '.join(repr(name) for name in names)}]"


def _key(schema: Schema | None, kind: Kind) -> str:
    """Return the type of a key as a walk gives it."""
    if schema is None or not schema.fields:
        return "int" if kind.indexed else "bytes"
    types = [type_of(field) for field in schema.fields]
    return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"


def _map(name: str, kind: Kind, key: Schema | None, what: str) -> str:
    record = f"_{name}"
    lines = [
        f"class {name}(_TypedMap):",
        f'    """The map {what}, a {kind.class_name}."""',
        "    @property",
        f"    def force(self) -> {name}: ...",
        f"    def record(self, data: bytes) -> {record}: ...{_OTHER}",
    ]
    if kind.has("keys"):
        found = _key(key, kind)
        given = found if found == "bytes" else f"{found} | bytes"
        if key is not None and len(key.fields) > 1:
            given += " | Mapping[str, Any]"
        entry = f"list[{record}]" if kind.per_cpu else record
        lines += [
            f"    def __getitem__(self, key: {given}) -> {entry}: ...",
            f"    def __setitem__(self, key: {given}, value: Mapping[str, Any] | bytes) -> None: ...",
            f"    def __delitem__(self, key: {given}) -> None: ...",
            f"    def change(self, key: {given}, fields: Mapping[str, Any]) -> bool: ...",
            f"    def __iter__(self) -> Iterator[{found}]: ...",
            f"    def keys(self) -> Iterator[{found}]: ...",
            f"    def values(self) -> Iterator[{entry}]: ...",
            f"    def items(self) -> Iterator[tuple[{found}, {entry}]]: ...",
        ]
    if kind.has("pop"):
        lines.append(f"    def pop(self) -> {record} | None: ...{_OTHER}")
    if kind.has("read"):
        lines.append(f"    def read(self) -> tuple[int, {record}] | None: ...{_OTHER}")
    if kind.has("stats"):
        lines += [
            f"    def newest(self) -> tuple[int, {record}] | None: ...{_OTHER}",
            f"    def last(self, n: int) -> list[tuple[int, {record}]]: ...{_OTHER}",
            f"    def window(self, start: int, end: int) -> list[tuple[int, {record}]]: ...{_OTHER}",
        ]
    return "\n".join(lines)


def _all(maps: Sequence[tuple[str, str]]) -> str:
    lines = ["class Maps:", '    """`board.maps`."""', "    def __call__(self) -> list[_MapInfo]: ..."]
    for name, made in maps:
        if name.isidentifier() and not keyword.iskeyword(name):
            lines += _read_only(name, made)
    for name, made in maps:
        lines += ["    @overload", f"    def __getitem__(self, name: Literal[{name!r}]) -> {made}: ..."]
    other = "def __getitem__(self, name: str | int) -> _TypedMap: ..."
    lines += [*(["    @overload"] if maps else []), f"    {other}"]
    return "\n".join(lines)


def _board() -> str:
    first, *others = inspect.signature(connect).parameters.values()
    options = ", ".join(f"{one.name}: Any = ..." for one in others)
    return f"""class Board(_Board):
    @property
    def maps(self) -> Maps: ...{_OTHER}

def connect({first.name}: str, *, {options}) -> Board: ..."""
