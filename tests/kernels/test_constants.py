"""A number that stands in several places is the same in all of them.

MicroPython folds const() by bare name in its own module only, so the board's modules restate numbers of others as private
constants, and the C kernels as enums and macros. The rule: one bare name, one number. `_COUNT` of a board module, `COUNT` of the
C sources and COUNT of the module that owns it are one name. A name that must mean another number somewhere gets another name; what
only looks alike in name stands in APART, with the reason. Owners are abi.py, flags.py, definition.py, frame.py and SPEC.md's table
of a slice's header; ALIASES says which restated name is whose. A new constant needs no entry here unless its owner calls it
otherwise.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware" / "boardmaps"
C = ROOT / "boards" / "cmodules" / "boardmaps"
SPEC = ROOT / "firmware" / "SPEC.md"

# A restated name, and what its owner calls it
ALIASES = {
    "ANY": "BPF_ANY",
    "NOEXIST": "BPF_NOEXIST",
    "EXIST": "BPF_EXIST",
    "OVERWRITE": "BPF_F_RB_OVERWRITE",
    "HEADS": "HEADER_SIZE",
    "ZERO": "DELETE",  # of an array and of a row: what a hash table's op calls delete
    "READ": "LOOKUP",
    "UPDATE": "BPF_ANY",
    "SIZE": "MAX_ENTRIES",  # of a ring: its bytes
}
# Names that mean another thing in these places: (name, file) and why
APART: dict[tuple[str, str], str] = {}

Place = tuple[str, str, int]  # bare name, file, number


def number_of(node: ast.expr, known: dict[str, int]) -> int | None:
    """Return the number that an expression of literals and known names stands for, None when it is something else."""
    try:
        value = eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}, "const": lambda n: n}, dict(known))
    except Exception:  # not a constant
        return None
    return value if type(value) is int else None


def in_python(source: str, name: str) -> Iterator[Place]:
    """Find the constants of a module: NAME = number or const(number), at its top."""
    known: dict[str, int] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            target = node.targets[0].id
            number = number_of(node.value, known)
            if number is not None and target.isupper():
                known[target] = number
                yield target.lstrip("_"), name, number


def in_c(source: str, name: str, known: dict[str, int]) -> Iterator[Place]:
    """Find the constants of a C file: enums, and macros that are numbers."""
    source = re.sub(r"//.*", "", source)
    found: list[tuple[str, str]] = [
        (m[1], m[2]) for m in re.finditer(r"^#define (\w+) (.+)$", source, flags=re.MULTILINE)
    ]
    for body in re.findall(r"\benum\s*{([^}]*)}", source):
        after = -1
        for item in filter(None, map(str.strip, body.split(","))):
            label, _, given = map(str.strip, item.partition("="))
            after = _c_number(given, known) if given else after + 1
            known[label] = after
            yield label, name, after
    for label, given in found:
        try:
            yield label, name, _c_number(given, known)
        except (NameError, SyntaxError, TypeError):
            continue  # a macro that is no number


def _c_number(text: str, known: dict[str, int]) -> int:
    text = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uU]?[lL]*\b", r"\1", text)
    number = eval(text, {"__builtins__": {}}, dict(known))
    if type(number) is not int:
        raise TypeError(text)
    return number


def in_spec(text: str) -> Iterator[Place]:
    """Find the words of a slice's header in SPEC.md's tables: the number of a word is its offset in 4s."""
    for offset, name in re.findall(r"^\| (\d+) \| (?:4 \| )?([a-z_]+) \|", text, flags=re.MULTILINE):
        if int(offset) % 4 == 0 and 8 <= int(offset) <= 76:
            yield name.upper(), "SPEC.md", int(offset) // 4


def everywhere() -> Iterator[Place]:
    for path in sorted(FIRMWARE.rglob("*.py")):
        yield from in_python(path.read_text(), path.relative_to(FIRMWARE).as_posix())
    shared: dict[str, int] = {}
    paths = [C / "core" / "slice.h", C / "core" / "queue.h", *sorted(C.rglob("*.[ch]"))]
    for path in dict.fromkeys(paths):
        yield from in_c(path.read_text(), path.relative_to(C).as_posix(), shared)
    yield from in_spec(SPEC.read_text())


def disagreeing(places: Iterator[Place]) -> dict[str, dict[int, list[str]]]:
    """Return {name: {number: files}} of every name that stands for more than one number."""
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, file, number in places:
        if (name, file) not in APART:
            found[ALIASES.get(name, name)][number].append(file)
    return {name: dict(numbers) for name, numbers in found.items() if len(numbers) > 1}


def test_a_name_is_one_number_everywhere() -> None:
    assert disagreeing(everywhere()) == {}


def test_restated_names_have_their_owners() -> None:
    """What ALIASES says exists, so that it compares something."""
    names = {name for name, _, _ in everywhere()}
    assert set(ALIASES) | set(ALIASES.values()) <= names
    assert {(name, file) for name, file, _ in everywhere()} >= set(APART)


def test_the_words_of_a_header_are_those_of_the_spec() -> None:
    spec = {name: number for name, _, number in in_spec(SPEC.read_text())}
    assert {"MAP_TYPE", "KEY_SIZE", "COUNT", "SEED", "ENTRIES", "FREE", "PEAK", "CONSUMER", "NUMBER"} <= set(spec)
    restated = {name for name, file, _ in everywhere() if file != "SPEC.md"}
    assert len(set(spec) & restated) >= 18, "the table is not found any more"


@pytest.mark.parametrize(
    "source",
    [
        ("kernels/new.py", "_COUNT = const(8)\n"),
        ("kernels/new.py", "_NOEXIST = const(1 << 1)\n"),
        ("maps/new.py", "_STACK = 22\n"),
    ],
)
def test_another_number_is_seen(source: tuple[str, str]) -> None:
    assert len(disagreeing(iter([*everywhere(), *in_python(source[1], source[0])]))) == 1


def test_another_number_in_c_is_seen() -> None:
    assert set(disagreeing(iter([*everywhere(), *in_c("enum { COUNT = 7, SEED, MASK };", "new.c", {})]))) == {"MASK"}
