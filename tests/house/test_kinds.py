"""The table of map types is the only place that knows them: what repeats it follows from it or is compared with it here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from boardmaps import abi, kinds
from boardmaps.refusals import GROUPS
from boardmaps_host.client.maps import remote_class
from boardmaps_host.kinds import KINDS, Kind
from tests.typing.stub import Stub

ROOT = Path(__file__).resolve().parents[2]
SCANNED = ("firmware", "host_tools", "sim", "bench", "soak")
CLASSES = {kind.class_name for kind in KINDS}
NUMBERS = {name for name, value in vars(kinds).items() if name.isupper() and isinstance(value, int)}
KNOWN = CLASSES | NUMBERS | {"Remote" + name for name in CLASSES} | {"RemotePerCpu", "RemoteQueue"}


def known(node: ast.expr) -> str | None:
    """Return the type that an expression names, by its number's or its class's name, or by a text that is its class."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
    if isinstance(node, ast.Constant) and node.value in CLASSES:
        name = str(node.value)
    return name if name in KNOWN else None


def of(node: ast.expr) -> bool:
    """Whether an expression is some map's type: compared with a number it is a comparison with a kind."""
    return isinstance(node, ast.Attribute) and node.attr == "map_type"


def compared(node: ast.AST) -> Iterator[ast.expr]:
    """Give what a node compares, or takes for keys."""
    if isinstance(node, ast.Compare):
        yield from (node.left, *node.comparators)
    elif isinstance(node, ast.Dict):
        yield from (key for key in node.keys if key)
    elif isinstance(node, ast.Set):
        yield from node.elts
    elif isinstance(node, ast.MatchValue):
        yield node.value
    elif (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")
    ):
        yield node.args[1]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fromkeys":
        yield from node.args[:1]
    elif isinstance(node, ast.MatchClass):
        yield node.cls


def parts(node: ast.expr) -> Iterator[ast.expr]:
    """Give an expression, and what is in it when it is a tuple, a list, a set or a union."""
    yield node
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from parts(element)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from parts(node.left)
        yield from parts(node.right)


def found(source: str) -> list[tuple[int, str]]:
    """Return (line, what) of each comparison with a type, and each collection that is asked for one."""
    tree = ast.parse(source)
    collections = {  # NAME = (HASH, ARRAY): asking it later is the same
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.List)
        for target in node.targets
        if isinstance(target, ast.Name) and any(known(element) for element in node.value.elts)
    }
    places = []
    for node in ast.walk(tree):
        for expression in compared(node):
            for part in parts(expression):
                named = known(part) or (part.id if isinstance(part, ast.Name) and part.id in collections else None)
                if named is None and of(part) and isinstance(node, ast.Compare):
                    named = "map_type"
                if named:
                    places.append((expression.lineno, named))
    return places


@pytest.mark.parametrize(
    "source",
    [
        "if m.definition.map_type == HASH: pass",
        "if kind in (kinds.QUEUE, kinds.STACK): pass",
        "_BOTH = (QUEUE, STACK)\nif kind in _BOTH: pass",
        "sizes = {ARRAY: 4}",
        "homes = {'ArrayMap': 'array'}",
        "x = isinstance(m, RingBuf | TimeSeries)",
        "x = name != 'LruHashMap'",
        "x = m.definition.map_type == 27",
        "match kind:\n    case kinds.HASH: pass",
        "homes = dict.fromkeys((HASH, ARRAY), 1)",
    ],
)
def test_what_is_looked_for_is_found(source: str) -> None:
    assert found(source)


def test_nothing_is_compared_with_a_type() -> None:
    paths = [path for folder in SCANNED for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 100
    table = ROOT / "firmware" / "boardmaps" / "kinds.py"
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted(paths)
        if path != table
        for line, what in found(path.read_text())
    ]
    assert wrong == []


def test_the_table_is_in_order() -> None:
    for columns in zip(*((k.number, k.word, k.class_name) for k in KINDS), strict=True):
        assert len(set(columns)) == len(KINDS)
    for kind in KINDS:
        assert 0 <= kind.key_least <= kind.key_most <= 512
        assert kind.operations >> len(GROUPS) == 0
        assert kind.flags in (0, abi.BPF_F_RB_OVERWRITE)
        assert not kind.parameters or len(kind.parameters) == 1 + len(kind.parameters[0])


NO_KINDS = {"StaticPool", "Server", "TcpLine"}


def test_the_stub_has_the_classes_of_the_table() -> None:
    for embedded in (False, True):
        declared = {name for name in Stub(embedded).classes if not name.startswith("_")} - NO_KINDS
        assert declared == {kind.class_name for kind in KINDS if kind.on_boards or not embedded}


def test_every_class_is_where_the_table_says() -> None:
    for kind in KINDS:
        for folder, there in (("firmware/boardmaps/maps", kind.on_boards), ("host_tools/boardmaps_host/twin", True)):
            path = ROOT / folder / f"{kind.home}.py"
            if there:
                tree = ast.parse(path.read_text())
                assert kind.class_name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        assert remote_class(kind).__module__.rpartition(".")[2] == kind.home


def test_every_type_has_its_contract() -> None:
    suite = "".join(path.read_text() for path in (ROOT / "tests" / "contract").glob("test_*.py"))
    for kind in KINDS:
        if kind.on_boards:
            assert re.search(rf"\b{kind.class_name}\b", suite), f"no contract test names {kind.class_name}"


def test_columns_and_traits_that_are_restated() -> None:
    """A board's modules restate the numbers of columns and bits, because const folds in its own module only."""
    traits = private(ROOT / "firmware/boardmaps/kinds.py")
    columns = {"_" + name.upper(): number for number, name in enumerate(Kind._fields)}
    checked = 0
    for name in ("definition.py", "line/operations.py"):
        for constant, value in private(ROOT / "firmware/boardmaps" / name).items():
            if constant in columns:
                assert value == columns[constant], (name, constant)
                checked += 1
            elif constant in ("_VALUES", "_PER_CPU", "_INDEXED", "_CHAINS", "_BYTES"):
                assert value == traits[constant], (name, constant)
                checked += 1
    assert checked >= 15
    hash_kind, ring = KINDS[0], next(k for k in KINDS if k.in_bytes)
    assert (hash_kind.on_boards, hash_kind.has_values, hash_kind.per_cpu) == (True, True, False)
    assert ring.flags == abi.BPF_F_RB_OVERWRITE


def private(path: Path) -> dict[str, int]:
    """Return the constants of a module, _NAME = const(number)."""
    return {
        node.targets[0].id: ast.literal_eval(node.value.args[0])
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.args[0], ast.Constant)
    }
