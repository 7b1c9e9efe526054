"""Who imports whom: no circle anywhere, and an import inside a function says what it saves."""

import ast
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "boardmaps": "firmware",
    "boardmaps_host": "host_tools",
    "boardmaps_sim": "sim",
    "tests": ".",
    "bench": ".",
    "soak": ".",
}
Import = ast.Import | ast.ImportFrom


def modules() -> dict[str, Path]:
    """Return the file of each of our modules, by its name."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(module: str, node: Import) -> Iterator[str]:
    """Yield our modules that an import names, those of a package's names that are modules among them."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            package = module.split(".")[: None if MODULES[module].name == "__init__.py" else -1]
            base = ".".join(package[: len(package) - node.level + 1] + ([node.module] if node.module else []))
        names = [base if f"{base}.{alias.name}" not in MODULES else f"{base}.{alias.name}" for alias in node.names]
    yield from (name for name in names if name in MODULES and name != module)


@cache
def graph() -> dict[str, set[str]]:
    """Return which modules each imports, at the top, inside a function, or for a type checker alone."""
    return {
        module: {
            name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, Import)
            for name in imported(module, node)
        }
        for module, path in MODULES.items()
    }


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Return the modules of a circle, the first again at the end; an empty list when there is none."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for name in sorted(edges.get(module, ())):
            if found := visit(name, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(edges) if (found := visit(module, []))), [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert " imports ".join(circle(graph())) == ""


def test_a_circle_is_found_and_named() -> None:
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_the_graph_knows_relative_imports_and_those_for_a_type_checker() -> None:
    edges = graph()
    assert "boardmaps.line.session" in edges["boardmaps.serving.server"]
    assert "boardmaps_host.client.maps.queue" in edges["boardmaps_host.client.board"], "TYPE_CHECKING"
    assert "boardmaps_host.client.lock" in edges["boardmaps_host.client.board"], "inside a function"


def blocks(tree: ast.AST, inside: bool = False) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of statements that are inside functions."""
    for node in ast.iter_child_nodes(tree):
        within = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if within:
            yield from (b for part in ("body", "orelse", "finalbody") if isinstance(b := getattr(node, part, 0), list))
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from blocks(node, within)


def unexplained(source: str) -> list[int]:
    """Return the lines of imports inside functions that no comment explains: on the line, or above it or its neighbours."""
    found = [block for block in blocks(ast.parse(source)) if any(isinstance(node, Import) for node in block)]
    if not found:
        return []
    comments = {
        token.start[0]
        for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__)
        if token.type == tokenize.COMMENT and not token.string.startswith(("# noqa", "# type:"))
    }
    lines = set()
    for block in found:
        explained = False
        for before, node in zip([None, *block], block, strict=False):
            if isinstance(node, Import):
                explained = explained and isinstance(before, Import)  # one comment for several in a row
                explained = explained or not comments.isdisjoint(range(node.lineno - 1, (node.end_lineno or 0) + 1))
                if not explained:
                    lines.add(node.lineno)
    return sorted(lines)


def test_an_import_inside_a_function_says_why() -> None:
    wrong = {path.relative_to(ROOT): lines for path in MODULES.values() if (lines := unexplained(path.read_text()))}
    assert wrong == {}, "say on the line above what it saves (start-up time, heap on the board), or move it to the top"


def test_an_import_without_a_reason_is_found() -> None:
    assert unexplained("def f():\n    import os\n") == [2]
    assert unexplained("def f():\n    import os  # noqa: PLC0415\n") == [2]
    assert unexplained("def f():\n    if x:\n        # saves time\n        import os\n        import sys\n") == []
    assert unexplained("def f():\n    import os  # saves time\n    x()\n    import sys\n") == [4]
    assert unexplained("import os\n") == []


def at_the_top(module: str) -> set[str]:
    """Return our modules that one imports when it is loaded, not when a function of it is called."""
    tree = ast.parse(MODULES[module].read_text())
    later = {id(node) for block in blocks(tree) for statement in block for node in ast.walk(statement)}
    nodes = [node for node in ast.walk(tree) if isinstance(node, Import) and id(node) not in later]
    return {name for node in nodes for name in imported(module, node)}


def letting_go(source: str) -> Iterator[list[str]]:
    """Yield the modules that each call of let_go() names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "let_go" and node.args:
            yield ["boardmaps." + name for name in ast.literal_eval(node.args[0]).split()]


def holders(source: str) -> dict[str, set[str]]:
    """Return what let_go() says of a module: while one of these is loaded, it stays."""
    (function,) = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef) and n.name == "let_go"]
    found = {}
    for node in ast.walk(function):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare) and isinstance(node.body[0], ast.Assign):
            names = ast.literal_eval(node.body[0].value).split()
            found["boardmaps." + ast.literal_eval(node.test.comparators[0])] = {"boardmaps." + name for name in names}
    return found


def test_what_is_let_go_is_held_by_no_other_module() -> None:
    known = holders(MODULES["boardmaps.settings"].read_text())
    board = [name for name in MODULES if name.split(".")[0] == "boardmaps"]
    calls = [names for name in board for names in letting_go(MODULES[name].read_text())]
    assert calls
    for module in board:
        for held in at_the_top(module):
            for names in (names for names in calls if held in names):
                before = names[: names.index(held)]
                assert module in known.get(held, ()) or module in before, (
                    f"{module} imports {held} at its top, and would go on with one that is there twice: "
                    "name it in settings.let_go()"
                )
    assert all(name in MODULES for name in known), "it names no module"
    assert all(module in MODULES for modules_ in known.values() for module in modules_), "nor is each holder one"


# With the package; and where a map has a check of its own, what that is of
LOADED_BY_THEN = {"boardmaps.pool", "boardmaps.settings", "boardmaps.line.writes"}


def uncollected(module: str, source: str) -> list[str]:
    """Return the modules of the board that a function of this one loads late, without a collection before it."""
    found = []
    tree = ast.parse(source)
    begins = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    early = {id(node) for begin in begins for node in ast.walk(begin)}  # with the server: little garbage is there yet
    for block in blocks(tree):
        for before, node in zip([None, *block], block, strict=False):
            if isinstance(node, ast.ImportFrom) and id(node) not in early:
                for name in imported(module, node):
                    if name not in LOADED_BY_THEN and not (
                        before and ast.unparse(before).startswith(f"collect({name!r}")
                    ):
                        found.append(name)
    return found


def test_what_the_line_loads_late_is_loaded_behind_a_collection() -> None:
    names = [name for name in MODULES if name.startswith("boardmaps.line.")] + ["boardmaps.serving.server"]
    assert {name: late for name in names if (late := uncollected(name, MODULES[name].read_text()))} == {}
    assert uncollected("boardmaps.line.session", "def f():\n    from .long import Long\n") == ["boardmaps.line.long"]


def staying(source: str, rare: set[str]) -> list[str]:
    """Return the modules that collect() is called for without letting go of what is rare, though they are not rare themselves."""
    calls = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and ast.unparse(n.func) == "collect"]
    return [name for call in calls if len(call.args) == 1 and (name := ast.literal_eval(call.args[0])) not in rare]


def test_what_stays_is_loaded_after_what_is_rare_was_let_go() -> None:
    board = [source.read_text() for name, source in MODULES.items() if name.split(".")[0] == "boardmaps"]
    rare = {name for source in board for names in letting_go(source) for name in names}
    assert rare
    assert [name for source in board for name in staying(source, rare)] == []
    assert staying("collect('boardmaps.line.long')", rare) == ["boardmaps.line.long"]
