"""`boardmaps flash` as a user runs it, with a folder for a drive and recording programs in the tools' places.

No hardware is here: what is held is which file reaches which drive, and which arguments which tool gets. The real loaders,
esptool and dfu-util have not been driven by these tests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_host import flash as module
from boardmaps_host.boards import load
from boardmaps_host.flash import FlashError, flash
from boardmaps_sim.chips.uf2 import RP2040_FAMILY
from tests.cli.conftest import BOARDMAPS, environment
from tests.flash.images import ESP32, ESP32_S3, dfu, esp, uf2

PICO = uf2("Raspberry Pi Pico with RP2040", RP2040_FAMILY)
INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {}\r\n"

Flash = Callable[..., "subprocess.CompletedProcess[str]"]
Tool = Callable[..., Callable[[], list[list[str]]]]


@pytest.fixture
def image(tmp_path: Path) -> Callable[[str, bytes], str]:
    """image(name, content) makes a file; the name has a space in it, as a user's folders have."""
    folder = tmp_path / "my images"
    folder.mkdir()

    def make(name: str, content: bytes) -> str:
        (folder / name).write_bytes(content)
        return str(folder / name)

    return make


@pytest.fixture
def drive(tmp_path: Path) -> Callable[[str], Path]:
    """drive(board_id) is a folder that looks like a UF2 loader's drive."""

    def make(board_id: str) -> Path:
        folder = tmp_path / f"drive of {board_id}"
        folder.mkdir()
        (folder / "INFO_UF2.TXT").write_text(INFO.format(board_id))
        return folder

    return make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for programs, the only one on PATH when `run` runs the command."""
    folder = tmp_path / "programs"
    folder.mkdir()
    return folder


@pytest.fixture
def run(path: Path) -> Flash:
    """run(*words) runs `boardmaps flash`, which finds no tools but the recording ones."""

    def command(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*BOARDMAPS, "flash", *words], capture_output=True, text=True, timeout=900, check=False, env=environment(PATH=str(path))
        )  # fmt: skip

    return command


@pytest.fixture
def tool(path: Path) -> Tool:
    """tool(name, version, status) puts a program there that writes down its arguments; calls() gives them, run by run."""

    def make(name: str, version: str = "", status: int = 0) -> Callable[[], list[list[str]]]:
        log = path / f"{name}.log"
        program = path / name
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\n"
            f"if sys.argv[1:] == ['version']: print({version!r}); sys.exit()\n"
            f"open({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
            f"print('{name} says something')\nsys.exit({status})\n"
        )
        program.chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    return make


def test_a_uf2_file_is_copied_whole(run: Flash, image: Callable[..., str], drive: Callable[[str], Path]) -> None:
    folder, file = drive("RPI-RP2"), image("firmware.uf2", PICO)
    done = run("--board", "pico", "--image", file, "--drive", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("MicroPython v1.26.1 for Raspberry Pi Pico with RP2040\n")
    assert f"written to {folder}\n" in done.stdout
    assert (folder / "firmware.uf2").read_bytes() == PICO


def test_the_drive_is_found_by_its_board_id(
    image: Callable[..., str], drive: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pico, other, none = drive("RPI-RP2"), drive("RP2350"), tmp_path
    monkeypatch.setattr(module, "_mounts", lambda: iter([none, other, pico, Path("/no/such")]))
    report = flash(load("pico"), Path(image("firmware.uf2", PICO)))
    assert (report.written, report.destination) == (True, str(pico))
    assert (pico / "firmware.uf2").exists()
    assert [entry.name for entry in other.iterdir()] == ["INFO_UF2.TXT"]


def test_drives_that_leave_a_doubt(
    image: Callable[..., str], drive: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(image("firmware.uf2", PICO))
    other = drive("RP2350")
    monkeypatch.setattr(module, "_mounts", lambda: iter([other]))
    with pytest.raises(
        FlashError, match=r"no drive that says RPI-RP2 is mounted \(there is RP2350 at .*\)\. Hold BOOTSEL"
    ):
        flash(load("pico"), file)
    with pytest.raises(FlashError, match="belongs to a RP2350, and the loader of Raspberry Pi Pico says RPI-RP2"):
        flash(load("pico"), file, drive=other)
    with pytest.raises(FlashError, match=r"is not the drive of a UF2 loader: it has no INFO_UF2\.TXT"):
        flash(load("pico"), file, drive=tmp_path)
    one, two = drive("RPI-RP2"), drive("RPI-RP2-B")
    monkeypatch.setattr(module, "_mounts", lambda: iter([one, two]))
    with pytest.raises(FlashError, match=r"several drives say RPI-RP2: .*\. Choose one with --drive"):
        flash(load("pico"), file)
    assert not list(tmp_path.glob("drive of */*.uf2"))


def test_this_computers_mounts_are_read() -> None:
    assert Path("/") in module._mounts()


@pytest.mark.parametrize("gone", [True, False])
def test_a_drive_that_goes_away_with_the_last_block_has_it_all(
    gone: bool, image: Callable[..., str], drive: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader restarts the board when it has the last block; the computer's own bookkeeping of the drive then fails."""
    folder = drive("RPI-RP2")

    def fsync(_file: int) -> None:
        if gone:
            (folder / "INFO_UF2.TXT").unlink()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    file = Path(image("firmware.uf2", PICO))
    if gone:
        assert flash(load("pico"), file, drive=folder).written
    else:
        with pytest.raises(FlashError, match="the image was not written: Input/output error"):
            flash(load("pico"), file, drive=folder)


def test_a_refused_image_reaches_no_drive(run: Flash, image: Callable[..., str], drive: Callable[[str], Path]) -> None:
    folder = drive("RPI-RP2")
    done = run("--board", "pico", "--image", image("x.uf2", PICO[:-512]), "--drive", str(folder), "--json")
    assert done.returncode == 1
    assert "cut short" in json.loads(done.stdout)["error"]
    assert [entry.name for entry in folder.iterdir()] == ["INFO_UF2.TXT"]


@pytest.mark.parametrize(
    ("version", "verb"), [("esptool v5.1.0\n5.1.0", "write-flash"), ("esptool.py v4.7.0\n4.7.0", "write_flash")]
)
def test_esptool_gets_the_arguments_that_its_version_knows(
    version: str, verb: str, run: Flash, tool: Tool, image: Callable[..., str]
) -> None:
    calls = tool("esptool", version)
    file = image("firmware.bin", esp("Generic ESP32 module with ESP32", ESP32, 0x1000))
    done = run("--board", "esp32", "--image", file, "--port", "/dev/ttyUSB7", "--json")
    assert done.returncode == 0, done.stderr
    assert calls() == [["--port", "/dev/ttyUSB7", "--baud", "460800", verb, "0x1000", file]]
    report = json.loads(done.stdout)
    assert (report["written"], report["destination"], report["steps"]) == (True, "/dev/ttyUSB7", [])
    assert "esptool says something" in done.stderr


def test_the_flash_is_erased_when_asked(run: Flash, tool: Tool, image: Callable[..., str]) -> None:
    calls = tool("esptool", "esptool v5.1.0")
    file = image("firmware.bin", esp("Generic ESP32S3 module with ESP32S3", ESP32_S3, 0))
    done = run("--board", "esp32s3", "--image", file, "--port", "a3", "--erase")
    assert done.returncode == 0, done.stderr
    assert calls() == [
        ["--port", "/dev/ttyACM3", "erase-flash"],
        ["--port", "/dev/ttyACM3", "--baud", "460800", "write-flash", "0", file],
    ]
    assert "by hand, before: Hold BOOT" in done.stdout


def test_dfu_util_is_run_between_what_hands_do(run: Flash, tool: Tool, image: Callable[..., str]) -> None:
    calls = tool("dfu-util")
    file = image("firmware.dfu", dfu("PYBv1.1 with STM32F405RG"))
    done = run("--board", "pyboard_v11", "--image", file)
    assert done.returncode == 0, done.stderr
    assert calls() == [["--alt", "0", "-D", file]]
    assert done.stdout.index("by hand, before: Join the pins DFU and 3V3") < done.stdout.index("1. Take the wire away")


def test_a_tool_that_fails(run: Flash, tool: Tool, image: Callable[..., str]) -> None:
    tool("dfu-util", status=74)
    done = run("--board", "pyboard_v11", "--image", image("firmware.dfu", dfu("PYBv1.1 with STM32F405RG")))
    assert done.returncode == 1
    assert "dfu-util says something" in done.stderr
    assert "ended with status 74; its reason is above. Was this done? Join the pins DFU and 3V3" in done.stderr


def test_a_tool_that_is_not_there(run: Flash, image: Callable[..., str]) -> None:
    file = image("firmware.bin", esp("Generic ESP32 module with ESP32", ESP32, 0x1000))
    done = run("--board", "esp32", "--image", file, "--port", "/dev/ttyUSB7")
    assert done.returncode == 1
    assert "esptool is not installed. Get it (pip install esptool)" in done.stderr
    assert f"esptool --port /dev/ttyUSB7 --baud 460800 write-flash 0x1000 '{file}'" in done.stderr


def test_esptool_needs_a_port(run: Flash, tool: Tool, image: Callable[..., str]) -> None:
    calls = tool("esptool", "esptool v5.1.0")
    file = image("firmware.bin", esp("Generic ESP32 module with ESP32", ESP32, 0x1000))
    done = run("--board", "esp32", "--image", file)
    assert (done.returncode, calls()) == (1, [])
    assert "pass --port" in done.stderr


def test_steps_where_no_tool_is_run(run: Flash, image: Callable[..., str]) -> None:
    file = image("firmware.bin", b"MicroPython v1.26.1; Arduino Nano 33 BLE Sense with NRF52840\0")
    done = run("--board", "nano33ble", "--image", file, "--port", "/dev/ttyACM1", "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["written"]) == (0, False)
    assert report["steps"][1] == f"bossac -e -w --offset=0x16000 --port=/dev/ttyACM1 -i -d -U -R '{file}'"


@pytest.mark.parametrize("board", ["pico", "esp32", "pyboard_v11", "nano33ble", "qemu"])
def test_without_an_image_it_tells_the_way(run: Flash, board: str) -> None:
    done = run("--board", board)
    definition = load(board).micropython
    assert done.returncode == 0, done.stderr
    assert definition.source in done.stdout
    assert [line.split(". ", 1)[1] for line in done.stdout.splitlines()[1:]] == list(definition.steps)


def test_a_simulated_board_is_not_flashed(run: Flash, image: Callable[..., str]) -> None:
    done = run("--board", "qemu", "--image", image("firmware.uf2", PICO))
    assert done.returncode == 1
    assert "qemu is simulated, so there is nothing to flash. Run: boardmaps sim --board qemu" in done.stderr
