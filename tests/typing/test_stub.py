"""The stub says of the cloud profile what its classes say themselves: the same names, parameters and defaults."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import boardmaps
from boardmaps_host import cloud
from boardmaps_host.cloud.base import CloudMap

STUB = Path(boardmaps.__file__).with_name("__init__.pyi")
TYPES = {name: kind for name in cloud.__all__ if isinstance(kind := getattr(cloud, name), type)}
MAPS = [name for name, kind in TYPES.items() if issubclass(kind, CloudMap)]


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what a checker sees of the cloud profile, where sys.platform is not "micropython"."""
    for statement in body:
        if isinstance(statement, ast.If):
            assert isinstance(statement.test, ast.Compare)
            holds = isinstance(statement.test.ops[0], ast.NotEq)
            yield from statements(statement.body if holds else statement.orelse)
        else:
            yield statement


CLASSES = {s.name: s for s in statements(ast.parse(STUB.read_text()).body) if isinstance(s, ast.ClassDef)}


def members(name: str) -> dict[str, ast.FunctionDef | ast.AnnAssign]:
    """Return what the stub declares in a class and its bases."""
    found: dict[str, ast.FunctionDef | ast.AnnAssign] = {}
    for base in CLASSES[name].bases:
        if isinstance(base, ast.Name) and base.id in CLASSES:
            found |= members(base.id)
    for s in statements(CLASSES[name].body):
        if isinstance(s, ast.FunctionDef):
            found[s.name] = s
        elif isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name):
            found[s.target.id] = s
    return found


def declared(function: ast.FunctionDef) -> list[tuple[str, bool, object]]:
    """Return (name, keyword only, default) of each parameter in the stub; `...` where there is no default."""
    a = function.args
    defaults = [None] * (len(a.args) - len(a.defaults)) + list(a.defaults)
    pairs = [(arg, False, default) for arg, default in zip(a.args, defaults, strict=True)]
    pairs += [(arg, True, default) for arg, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    return [
        (arg.arg, only, ... if d is None else ast.literal_eval(d))
        for arg, only, d in pairs
        if arg.arg not in ("self", "cls")
    ]


def actual(function: object) -> list[tuple[str, bool, object]]:
    parameters = inspect.signature(function).parameters.values()  # type: ignore[arg-type]
    return [
        (p.name, p.kind is p.KEYWORD_ONLY, ... if p.default is p.empty else p.default)
        for p in parameters
        if p.name not in ("self", "cls")
    ]


def public(cls: type) -> set[str]:
    special = {"__init__", "__len__", "__iter__", "__contains__"}
    return {
        n
        for n in dir(cls)
        if not n.startswith("_") or (n in special and getattr(cls, n) is not getattr(object, n, None))
    }


@pytest.mark.parametrize("name", [*MAPS, "_Record", "_RingState", "_Stats"])
def test_a_class_has_what_the_stub_says(name: str) -> None:
    cls: type = getattr(cloud, name.removeprefix("_"))
    stub = members(name)
    wrong = []
    for member, declaration in stub.items():
        if isinstance(declaration, ast.FunctionDef) and not declaration.decorator_list:
            runtime = getattr(cls, member, None)
            if runtime is None or declared(declaration) != actual(runtime):
                wrong.append((member, declared(declaration), runtime and actual(runtime)))
    assert not wrong
    unknown = public(cls) - set(stub)
    if issubclass(cls, tuple):
        unknown -= set(dir(tuple))
    elif name == "_Record":
        unknown.discard("__init__")  # reserve() makes records
    if name in ("RingBuf", "TimeSeries"):  # these refuse; a checker says so earlier by not knowing them
        unknown -= {"lookup", "update", "delete", "next_key", "lookup_and_delete"}
    assert not unknown


def test_every_map_of_the_twin_is_in_the_stub() -> None:
    assert set(MAPS) == {name for name in CLASSES if not name.startswith("_")}


def test_what_boardmaps_exports_is_in_the_stub() -> None:
    known = set(CLASSES)
    for s in statements(ast.parse(STUB.read_text()).body):
        if isinstance(s, ast.ImportFrom):
            known |= {alias.asname or alias.name for alias in s.names}
        elif isinstance(s, ast.FunctionDef):
            known.add(s.name)
    modules = {name for name in dir(boardmaps) if inspect.ismodule(getattr(boardmaps, name))}
    assert {n for n in boardmaps.__all__ if n != "VERSION"} - modules - known == set()
