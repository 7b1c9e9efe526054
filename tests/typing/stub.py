"""What boardmaps/__init__.pyi says, read as a checker reads it, and what classes say themselves: for the tests that compare."""

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import boardmaps

PATH = Path(boardmaps.__file__).with_name("__init__.pyi")
SPECIAL = {"__init__", "__len__", "__iter__", "__contains__"}

Parameters = list[tuple[str, bool, object]]  # name, keyword only, default (`...` for none)


class Stub:
    """The classes of one profile: `embedded` is what --platform micropython sees."""

    def __init__(self, embedded: bool) -> None:
        self._embedded = embedded
        tree = ast.parse(PATH.read_text())
        self.statements = list(self._seen(tree.body))
        self.classes = {s.name: s for s in self.statements if isinstance(s, ast.ClassDef)}

    def _seen(self, body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for statement in body:
            if isinstance(statement, ast.If):
                assert isinstance(statement.test, ast.Compare)
                holds = isinstance(statement.test.ops[0], ast.Eq) == self._embedded
                yield from self._seen(statement.body if holds else statement.orelse)
            else:
                yield statement

    def members(self, name: str) -> dict[str, ast.FunctionDef | ast.AnnAssign]:
        """Return what the stub declares in a class and its bases."""
        found: dict[str, ast.FunctionDef | ast.AnnAssign] = {}
        for base in self.classes[name].bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                found |= self.members(base.id)
        for s in self._seen(self.classes[name].body):
            if isinstance(s, ast.FunctionDef):
                found[s.name] = s
            elif isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name):
                found[s.target.id] = s
        return found

    def methods(self, name: str) -> dict[str, Parameters]:
        """Return the parameters of each method; properties have none of their own and are left out."""
        return {
            member: declared(declaration)
            for member, declaration in self.members(name).items()
            if isinstance(declaration, ast.FunctionDef) and not declaration.decorator_list
        }


def declared(function: ast.FunctionDef) -> Parameters:
    """Return the parameters of a function as it is written, self and cls left out."""
    a = function.args
    defaults = [None] * (len(a.args) - len(a.defaults)) + list(a.defaults)
    pairs = [(arg, False, default) for arg, default in zip(a.args, defaults, strict=True)]
    pairs += [(arg, True, default) for arg, default in zip(a.kwonlyargs, a.kw_defaults, strict=True)]
    return [
        (arg.arg, only, ... if d is None else ast.literal_eval(d))
        for arg, only, d in pairs
        if arg.arg not in ("self", "cls")
    ]


def actual(function: Callable[..., object]) -> Parameters:
    """Return the parameters of a function as it runs."""
    return [
        (p.name, p.kind is p.KEYWORD_ONLY, ... if p.default is p.empty else p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name not in ("self", "cls")
    ]


def public(cls: type) -> set[str]:
    """Return the names that a class offers to everybody."""
    return {
        n
        for n in dir(cls)
        if not n.startswith("_") or (n in SPECIAL and getattr(cls, n) is not getattr(object, n, None))
    }
