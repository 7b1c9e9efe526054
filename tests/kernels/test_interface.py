"""Each sort of kernels gives the functions that the docstring of boardmaps.kernels lists, with these arguments, and no others."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "firmware" / "boardmaps" / "kernels"
C = ROOT / "boards" / "cmodules" / "boardmaps"
LINE = re.compile(r"^([a-z]+)( m)? +(\w+)\(([\w, ]*)\)", flags=re.MULTILINE)


def interface(of_maps: bool) -> dict[str, dict[str, list[str]]]:
    """Return {kind: {function: its arguments}}, of the modules or of the maps that they drive."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    text = ast.get_docstring(ast.parse((KERNELS / "__init__.py").read_text())) or ""
    for kind, m, name, arguments in LINE.findall(text):
        if bool(m) == of_maps:
            found[kind][name] = [a for a in arguments.split(", ") if a]
    return dict(found)


MODULES, MAPS = interface(False), interface(True)
WITHOUT = [("viper", "check")]  # sorts that lack a kind, and leave it to the next one


def test_what_a_sort_lacks_is_not_there() -> None:
    assert [pair for pair in WITHOUT if (KERNELS / "{}_{}.py".format(*pair)).exists()] == []


def test_the_interface_is_read() -> None:
    assert set(MODULES) == {
        "base",
        "stdio",
        "array",
        "hash",
        "queue",
        "ring",
        "series",
        "percpu",
        "lpm",
        "bloom",
        "check",
    }
    assert set(MAPS) == {"array", "hash", "queue", "ring", "percpu"}
    assert MODULES["ring"]["finish"] == ["view", "at", "data", "discard"]


@pytest.mark.parametrize(
    ("sort", "kind"), [(s, k) for k in MODULES for s in ("viper", "plain") if (s, k) not in WITHOUT]
)
def test_a_module_in_python(sort: str, kind: str) -> None:
    path = KERNELS / f"{sort}_{kind}.py"
    nodes = ast.parse(path.read_text()).body
    functions = {node.name: [a.arg for a in node.args.args] for node in nodes if isinstance(node, ast.FunctionDef)}
    names = set(functions)
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    assert set(MODULES[kind]) <= names
    wrong = {n: functions[n] for n, given in MODULES[kind].items() if functions.get(n, given) != given}
    assert wrong == {}


def in_c(kind: str) -> tuple[set[str], Iterator[tuple[str, int, list[str]]]]:
    """Return the names that a kind's module in C has, and (name, most arguments, their names) of its maps' functions."""
    text = (C / f"{kind}.c").read_text()
    table = re.search(r"bm_function_t functions\[\] = {(.*?)\n};", text, flags=re.DOTALL)
    assert table
    macros = dict(re.findall(r"#define (BM_\w+)\(f\) (\{.*\})", (C / "kernel.h").read_text()))
    for name, body in macros.items():
        text = re.sub(rf"\b{name}\(\w+\)", lambda _, body=body: body, text)  # type: ignore[misc]
    entries = re.findall(r"\{ MP_QSTR_(\w+), \d, (\d), \{ ([^}]*) \}, \w+ \}", text)
    maps = ((name, int(most), re.findall(r"MP_QSTR_(\w+)", names)) for name, most, names in entries)
    return set(re.findall(r"MP_QSTR_(\w+),", table[1])), maps


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_in_c(kind: str) -> None:
    names, functions = in_c(kind)
    assert names == set(MODULES[kind])
    found = {}
    for name, most, arguments in functions:
        found[name] = arguments
        assert most == len(MAPS[kind][name]), name
        assert arguments in ([], MAPS[kind][name]), name
    assert set(found) == set(MAPS.get(kind, {}))


@pytest.mark.parametrize("sort", ["viper", "plain"])
def test_what_a_map_is_given(micropython: Run, sort: str) -> None:
    micropython(f"""
        import sys
        class config: KERNELS = {sort!r}
        sys.modules["boardmaps_config"] = config
        from boardmaps import ArrayMap, HashMap, PerCpuArray, PerCpuHash, Queue, RingBuf, Stack
        maps = {{"array": [ArrayMap(4, 4)], "hash": [HashMap(4, 4, 4)], "queue": [Queue(4, 4), Stack(4, 4)], "ring": [RingBuf(64)],
                "percpu": [PerCpuArray(4, 4), PerCpuHash(4, 4, 4)]}}
        for kind, names in { ({kind: sorted(names) for kind, names in MAPS.items()})!r}.items():
            for m in maps[kind]:
                lacking = [n for n in names if n not in m.__dict__ and (n != "_next" or type(m) is PerCpuHash)]
                assert not lacking, (m, lacking)
        loaded = [n for n in sys.modules if n.startswith("boardmaps.kernels.")]
        assert all(n.startswith("boardmaps.kernels." + {sort!r}) for n in loaded), loaded
    """)


def test_the_next_sort_stands_in(micropython: Run) -> None:
    """A kind that a sort lacks comes from the next; where nothing compiles to machine code, all come from plain Python."""
    micropython("""
        import sys
        class config: KERNELS = "viper"
        sys.modules["boardmaps_config"] = config
        from boardmaps import settings
        theirs = __import__
        def importing(name):
            if name == "boardmaps.kernels.viper_queue":
                raise ImportError("no module named '%s'" % name)
            if name == "boardmaps.kernels.viper_ring":
                raise SyntaxError("invalid micropython decorator")
            if name == "boardmaps.kernels.viper_series":
                raise SyntaxError("invalid syntax")
            return theirs(name)
        settings.__import__ = importing
        def found(kind):
            return settings.kernels(kind).__name__.split(".")[-1]
        try:
            found("series")
            assert False
        except SyntaxError:  # a mistake in a module is no port without machine code
            pass
        names = [found(kind) for kind in ("array", "queue", "ring", "hash")]
        assert names == ["viper_array", "plain_queue", "plain_ring", "plain_hash"], names
    """)
