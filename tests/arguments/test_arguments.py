"""A walk over the public API with right and wrong arguments: the same outcome on the twin, over the line and on boards."""

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import boardmaps
from boardmaps_host import connect
from boardmaps_host.kinds import KINDS
from boardmaps_host.twin.registries import Registry
from boardmaps_sim.chips.given import WITHOUT_C
from boardmaps_sim.rv32 import run_program
from tests.arguments import walk
from tests.board.conftest import on_unix, with_native
from tests.board.on_unix import FIRMWARE
from tests.require import require_board

BOARDS = {  # what comes before the program, the kernels that it is told to use, and which calls: all, or of each 2 or 3 the nth
    "unix": ("", None, slice(None)),
    "unix_native": ("", None, slice(1, None, 2)),
    "unix_plain": ("", "plain", slice(None)),
    "rv32": ("", None, slice(0, None, 3)),  # C
    "rv32_viper": (WITHOUT_C, "viper", slice(1, None, 3)),
}
WANTED = 5000

# A right argument by the name of a parameter, so that one or two at a time can be wrong; then what other classes want there
RIGHT = {
    "key": "b'abcd'", "value": "b'abcd'", "out": "B", "flags": "0", "delta": "1", "offset": "0", "width": "4",
    "expected": "b'abcd'", "new": "B", "data": "b'abc'", "operand": "3", "length": "4", "most": "8", "record": "None",
    "timestamp": "2", "n": "1", "start": "0", "end": "9", "cursor": "None", "count": "1", "keys": "[b'abcd']",
    "values": "[b'abcd']", "index": "1", "force": "False", "row": "b'abcdefgh'", "op": "'abcd'", "name": "'abcd'",
}  # fmt: skip
_ROWS = {"value": "b'abcdefgh'", "out": "bytearray(8)", "expected": "b'abcdefgh'", "values": "[b'abcdefgh']"}
OTHERS = {
    "ArrayMap": {"key": "1", "keys": "[array('I', [1]), 1]"},
    "PerCpuArray": {"key": "1", **_ROWS},
    "PerCpuHash": _ROWS,
    "LpmTrie": {"key": "b'\\x08\\0\\0\\0abcd'", "keys": "[b'\\x08\\0\\0\\0abcd']"},
    "Queue": {"key": "None"},
    "Stack": {"key": "None"},
}
NUMBERS = ("add", "fetch", "exchange")  # of these either a wrong key or a wrong number may be told first
NOT_WALKED = {"resize": "the twin's alone", "copy_sample": "of the line", "first_number": "of the line"}
# What only memory at hand has, and what only the CPU does whose value it is
NOT_OVER_THE_LINE = {"view", "field", "reserve", "reserve_into", "new_record", "read_into"}
OF_ONE_CPU = {"add", "compare_and_swap"}

Calls = dict[
    str, dict[str, tuple[int, bytes]]
]  # class, method: how many arguments, and the places of all calls' in VALUES


def calls_of(kind: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Give calls of every public method of a class, found by introspection, with every value for every parameter, and pairs."""
    right = {**RIGHT, **OTHERS.get(kind, {})}
    every = range(len(walk.VALUES))
    for method, function in sorted(inspect.getmembers(getattr(boardmaps, kind), inspect.isfunction)):
        if (method.startswith(("_", "host_")) and method != "__contains__") or method in NOT_WALKED:
            continue
        parameters = list(inspect.signature(function).parameters.values())[1:]
        if any(p.kind is p.VAR_POSITIONAL for p in parameters):  # refused: whatever it is given
            yield from ((method, (i,)) for i in every[::6])
            continue
        unknown = {p.name for p in parameters} - set(right)
        assert not unknown, f"{kind}.{method}: say in RIGHT what is right for {unknown}"
        given = [walk.VALUES.index(right[p.name]) for p in parameters]
        if method.startswith("exchange"):
            given[1] = walk.VALUES.index("3")  # its `new` is a number
        for i in range(len(given)):
            yield from ((method, (*given[:i], value, *given[i + 1 :])) for value in every)
        for i, j in itertools.combinations(range(len(given)), 2):
            if not method.startswith(NUMBERS):
                for one, other in itertools.product(every[::7], every[1::11]):
                    yield method, (*given[:i], one, *given[i + 1 : j], other, *given[j + 1 :])


def table() -> Calls:
    """Return the calls of all classes that boards have, without doubles."""
    found: Calls = {}
    for kind in KINDS:
        if kind.on_boards:
            assert kind.class_name in walk.SETUP, f"{kind.class_name} is new: say in walk.py how a map is made"
            methods = found.setdefault(kind.class_name, {})
            for method, places in dict.fromkeys(calls_of(kind.class_name)):
                _, before = methods.get(method, (0, b""))
                methods[method] = (len(places), before + bytes(places))
    return found


TABLE = table()
MAKERS = walk.compiled(walk.VALUES)  # type: ignore[no-untyped-call]
CLASSES = [*TABLE]


def new_of(kind: str, registry: Registry) -> Callable[..., object]:
    """Return a function that makes a twin's map, the only one."""
    cls = getattr(boardmaps, kind)
    options = {"cpus": 1} if kind.startswith("PerCpu") else {}

    def new(*sizes: int) -> object:
        registry.reset()
        return cls(*sizes, **options)

    return new


def listed(kind: str, part: slice = slice(None)) -> list[tuple[str, int, bytes]]:
    """Return the calls of a class, or a part of those of each method, as walk() takes them."""
    found = []
    for method, (n, places) in TABLE[kind].items():
        calls = [places[i : i + n] for i in range(0, len(places), n)]
        found.append((method, n, b"".join(calls[part])))
    return found


def named(kind: str, said: list[str], part: slice = slice(None)) -> dict[str, str]:
    """Return the outcomes by the texts of the calls."""
    values = walk.VALUES
    texts = [
        f"{kind}.{method}({', '.join(values[place] for place in places[i : i + n])})"
        for method, n, places in listed(kind, part)
        for i in range(0, len(places), n)
    ]
    return dict(zip(texts, said, strict=True))


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """The outcomes on the twin."""
    said = {}
    for kind in CLASSES:
        with Registry() as registry:
            walked = walk.walk(kind, new_of(kind, registry), listed(kind), MAKERS)  # type: ignore[no-untyped-call]
            said.update(named(kind, list(walked)))
    return said


def compare(target: str, expected: dict[str, str], found: dict[str, str]) -> None:
    """Print what was covered; fail with the calls whose outcome is another one."""
    different = [
        f"{call}: {said}, on the twin {expected[call]}" for call, said in found.items() if said != expected[call]
    ]
    methods = {call.partition("(")[0] for call in found}
    print(f"{target}: {len(found):,} calls of {len(methods)} methods, {len(different)} other outcomes")
    assert different == []
    assert len(found) >= WANTED


def test_nothing_is_changed_by_a_refusal(expected: dict[str, str]) -> None:
    assert [call for call, said in expected.items() if "AND CHANGED" in said] == []
    compare("twin", expected, expected)


def test_the_line_says_the_same(expected: dict[str, str]) -> None:
    found = {}
    with Registry() as registry, connect("twin") as board:
        for kind in CLASSES:
            walked = walk.walk(kind, new_of(kind, registry), listed(kind), MAKERS, lambda m: board.map(m.id))  # type: ignore[no-untyped-call]
            found.update(named(kind, list(walked)))
    without = {f"{kind}.{method}" for kind in CLASSES for method in NOT_OVER_THE_LINE}
    without |= {f"{kind}.{method}" for kind in CLASSES if kind.startswith("PerCpu") for method in OF_ONE_CPU}
    compare("line", expected, {call: said for call, said in found.items() if call.partition("(")[0] not in without})


@pytest.mark.parametrize("target", BOARDS)
def test_a_board_says_the_same(target: str, expected: dict[str, str], tmp_path: Path) -> None:
    name = target.partition("_")[0]
    require_board(name)
    before, sort, part = BOARDS[target]
    path = with_native(tmp_path) if target == "unix_native" else FIRMWARE
    found = {}
    for kind in CLASSES:
        program = f"""{before}
import sys
class config: KERNELS = {sort!r}
sys.modules["boardmaps_config"] = config
{Path(walk.__file__).read_text()}
import boardmaps
def new(*sizes):
    if boardmaps.StaticPool.used() > 2048:
        boardmaps.StaticPool.reset()
    return boardmaps.{kind}(*sizes)
for said in walk("{kind}", new, {listed(kind, part)!r}, compiled(VALUES)):
    print("=" + said)
"""
        if name == "unix":
            failed, printed = on_unix(program, "2M", path)
        else:
            printed, error = run_program(program)
            failed, printed = bool(error), printed + error
        assert not failed, printed
        said = [line[1:] for line in printed.splitlines() if line.startswith("=")]
        found.update(named(kind, said, part))
    compare(target, expected, found)


# The host's own: MicroPython makes no memoryview with gaps
GAPS = walk.compiled(("memoryview(b'aabbccdd')[::2]", "memoryview(bytearray(8))[::2]"))  # type: ignore[no-untyped-call]
TAKES_BYTES = {"key", "value", "out", "expected", "new", "data", "row"}


@pytest.mark.parametrize("far", [False, True], ids=["twin", "line"])
def test_a_memoryview_with_gaps_is_refused(far: bool) -> None:
    refused = 0
    with Registry() as registry, connect("twin") as board:
        for kind in CLASSES:
            right = {**RIGHT, **OTHERS.get(kind, {})}
            for method, function in inspect.getmembers(getattr(boardmaps, kind), inspect.isfunction):
                if method not in TABLE[kind] or (far and method in NOT_OVER_THE_LINE):
                    continue
                names = [*inspect.signature(function).parameters][1:]
                for i, gap in itertools.product(range(len(names)), range(2)):
                    if names[i] not in TAKES_BYTES:
                        continue
                    makers = [MAKERS[walk.VALUES.index(right[name])] for name in names if name in right]
                    makers[i] = GAPS[gap]
                    m = walk.SETUP[kind](new_of(kind, registry))  # type: ignore[no-untyped-call]
                    arguments = [make(bytearray(b"abcd")) for make in makers]
                    said = walk.outcome(m, board.map(m.id) if far else m, method, arguments)  # type: ignore[no-untyped-call]
                    assert said.startswith("TypeError "), (kind, method, i, said)
                    refused += 1
    assert refused > 50
