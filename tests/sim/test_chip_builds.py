"""What the builds of the chips' firmware say when something is missing, and when they have nothing to do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_sim.chips import cache, qemu_port, source, tools
from boardmaps_sim.chips.cache import BuildError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARDMAPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MICROPYTHON_DIR", raising=False)
    monkeypatch.setattr(cache, "FIRMWARE_OUT", tmp_path / "out")
    monkeypatch.setattr(source, "CHIPS_OUT", tmp_path / "chips")


def only_apt(name: str) -> str | None:
    return "/usr/bin/apt-get" if name == "apt-get" else None


def test_a_missing_tool_chain_names_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", only_apt)
    with pytest.raises(BuildError, match=r"apt-get install .*cmake.* gcc-arm-none-eabi .*ninja-build"):
        tools.require_tools("pico")
    with pytest.raises(BuildError, match=r"make qemu-deps.*qemu-system-arm"):
        tools.require_tools("qemu")
    with pytest.raises(BuildError, match=r"make rv32-deps.*gcc-riscv64-unknown-elf .*qemu-system-riscv32"):
        tools.require_tools("rv32")


def test_installing_takes_root_and_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", only_apt)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BuildError, match=r"Run: sudo apt-get install -y .*gcc-arm-none-eabi"):
        tools.install_tools(["pico", "qemu"])


def test_without_apt_the_checkout_is_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boardmaps_sim.chips.debian.shutil.which", lambda _name: None)
    with pytest.raises(BuildError, match=r"forky: no apt-get on this machine(.|\n)*Instead: git clone .*v1\.26\.1"):
        source.fetch_source()


def test_source_that_is_not_there_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="Run `make pico-deps qemu-deps`, or: git clone"):
        source.find_source()
    monkeypatch.setenv("MICROPYTHON_DIR", str(tmp_path))
    with pytest.raises(BuildError, match="is no MicroPython source tree"):
        source.find_source()


def test_a_checkout_of_ones_own_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "py").mkdir()
    numbers = zip(("MAJOR", "MINOR", "MICRO"), (1, 27, 0), strict=True)
    (tmp_path / "py" / "mpconfig.h").write_text("".join(f"#define MICROPY_VERSION_{n} {v}\n" for n, v in numbers))
    monkeypatch.setenv("MICROPYTHON_DIR", str(tmp_path))
    found = source.find_source()
    assert (found.tree, found.own) == (tmp_path, True)
    assert found.version.startswith("1.27.0-own-")
    assert tmp_path / "cache" in found.micropython_lib.parents
    assert found.micropython_lib.joinpath("README.md").exists()


def test_two_sources_share_no_build_and_each_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Their files may have changed since, and say the same version."""
    made: list[Path] = []

    def make(command: list[str], _log: Path, **_more: object) -> None:
        build = next(Path(word.removeprefix("BUILD=")) for word in command if word.startswith("BUILD="))
        build.mkdir(parents=True, exist_ok=True)
        for word in command:
            if word.endswith(".elf"):
                Path(word).write_text("image")
        made.append(build)

    monkeypatch.setattr(qemu_port, "run", make)
    monkeypatch.setattr(qemu_port, "require_tools", lambda _target: None)
    monkeypatch.setattr(qemu_port, "mpy_cross", lambda _source: Path("mpy-cross"))
    for name in ("one", "one", "two"):
        (tmp_path / name / "py").mkdir(parents=True, exist_ok=True)
        (tmp_path / name / "py" / "mpconfig.h").write_text("#define MICROPY_VERSION_MAJOR 1\n")
        monkeypatch.setenv("MICROPYTHON_DIR", str(tmp_path / name))
        qemu_port.build_qemu()
    assert made[0] == made[1] != made[2]


def test_two_checkouts_share_downloads_and_neither_builds_nor_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built: dict[str, Path] = {}
    for name in ("one", "two"):
        checkout = tmp_path / name
        checkout.mkdir()
        (checkout / "pyproject.toml").touch()
        monkeypatch.setattr(cache, "PROJECT", checkout)
        monkeypatch.setattr(cache, "FIRMWARE_OUT", checkout / "firmware")
        monkeypatch.setattr(source, "CHIPS_OUT", checkout / "chips")
        tree = source.Source(cache.cache_root() / "source", "1.26")
        build = tree.builds / f"qemu-{name}"
        build.mkdir(parents=True)
        (build / "firmware.elf").write_text(name)
        cache.forget_others(build)
        cache.publish(build / "firmware.elf", "qemu.elf", name)
        built[name] = cache.firmware_image("qemu.elf")
        assert tree.tools.is_relative_to(cache.cache_root())
    assert [(name, image.read_text()) for name, image in built.items()] == [("one", "one"), ("two", "two")]
    assert (tmp_path / "one" / "chips" / "1.26" / "qemu-one" / "firmware.elf").exists()
    # An installed boardmaps has no checkout; it takes what was built last.
    monkeypatch.setattr(cache, "PROJECT", tmp_path)
    assert cache.firmware_image("qemu.elf").read_text() == "two"


def test_a_lock_keeps_a_second_process_waiting(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from boardmaps_sim.chips.cache import locked
print("asks", flush=True)
with locked(Path(sys.argv[1]), "x"):
    print("has it")
"""
    with cache.locked(tmp_path, "x"):
        second = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert second.stdout is not None
        assert second.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(0.5)
        with cache.locked(tmp_path, "y"):
            pass  # another lock is another's
    assert second.communicate(timeout=900)[0] == "has it\n"


def test_a_failed_step_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"status 3(.|\n)*the reason"):
        cache.run([sys.executable, "-c", "print('the reason'); raise SystemExit(3)"], tmp_path / "log")


def test_an_image_is_built_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    source_file = tmp_path / "a.py"
    source_file.write_text("1")
    first = cache.digest(["1.26", source_file])
    image = tmp_path / "firmware"
    image.write_bytes(b"image")
    assert cache.published("x.elf", first) is None
    out = cache.publish(image, "x.elf", first)
    assert cache.published("x.elf", first) == out
    out.unlink()  # a fresh clone, the same cache
    restored = cache.published("x.elf", first)
    assert restored == out
    assert out.read_bytes() == b"image"
    source_file.write_text("2")
    assert cache.published("x.elf", cache.digest(["1.26", source_file])) is None


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs build.py with these arguments where there is no source of MicroPython."""

    def run(*steps: str, **environment: str) -> subprocess.CompletedProcess[str]:
        script = Path(__file__).parents[2] / "boards" / "build.py"
        environment |= {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(script.parents[1] / "sim"),
            "BOARDMAPS_CACHE": str(tmp_path / "empty"),
        }
        command = [sys.executable, str(script), *steps]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_the_command_fails_with_one_sentence_and_no_traceback(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build("qemu")
    assert done.returncode == 1
    assert done.stderr.startswith("qemu: MicroPython's source is not here yet. Run `make pico-deps qemu-deps`")
    assert "Traceback" not in done.stderr


def test_a_step_that_is_not_possible_keeps_no_other_from_its_turn_unless_it_is_required(
    build: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = build("--if-possible", "qemu", "rv32")
    assert done.returncode == 0
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["qemu", "rv32"]
    done = build("--if-possible", "qemu", "rv32", BOARDMAPS_REQUIRE="1")
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["qemu"]
