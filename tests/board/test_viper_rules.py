"""What the board's viper code must not do, read from its source: rules that no compiler checks."""

import ast
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware" / "boardmaps"
REGISTERS = 3  # MicroPython keeps a function's first three locals, its parameters first, in registers

_GOOD = """
@micropython.viper
def kernel(view, slot: int, key) -> int:
    links = ptr16(view)
    at = slot
    return links[at]
"""


def viper_functions(source: str) -> list[ast.FunctionDef]:
    """Return the functions of a module that the viper emitter compiles."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "micropython.viper" for d in node.decorator_list)
    ]


def in_registers(function: ast.FunctionDef) -> set[str]:
    """Return the locals that live in registers."""
    names = [argument.arg for argument in function.args.args]
    stores = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    for node in sorted(stores, key=lambda n: (n.lineno, n.col_offset)):
        if node.id not in names:
            names.append(node.id)
    return set(names[:REGISTERS])


def wide_pointers(function: ast.FunctionDef) -> set[str]:
    """Return the locals and parameters that are ptr16 or ptr32."""
    wide = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if ast.unparse(node.value.func) in ("ptr16", "ptr32")
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return wide | {
        a.arg for a in function.args.args if a.annotation and ast.unparse(a.annotation) in ("ptr16", "ptr32")
    }


def clobbered(source: str) -> list[str]:
    """Return 'function: expression' for each place that breaks the rule."""
    return [
        f"{function.name}: {ast.unparse(node)}"
        for function in viper_functions(source)
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Name)
        and node.slice.id in in_registers(function)
        and (
            (isinstance(node.value, ast.Name) and node.value.id in wide_pointers(function))
            or (isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in ("ptr16", "ptr32"))
        )
    ]


@pytest.mark.parametrize("path", sorted(FIRMWARE.rglob("*.py")), ids=lambda path: path.name)
def test_no_register_indexes_a_wide_pointer(path: Path) -> None:
    """MicroPython 1.26 and 1.27 shift an index register in place on Thumb (micropython issue 18800): it is doubled then.

    Copy such an index to a later local first.
    """
    assert clobbered(path.read_text()) == []


def test_the_rule_is_seen_when_it_is_broken() -> None:
    assert clobbered(_GOOD) == []
    assert clobbered(_GOOD.replace("links[at]", "links[slot]")) == ["kernel: links[slot]"]
