"""Images that are no MicroPython, or for another chip, are refused with the reason before anything starts."""

import shutil
import struct
from pathlib import Path

import pytest

from boardmaps_sim.base import BoardError
from boardmaps_sim.chips.uf2 import RP2040_FAMILY, from_uf2, to_uf2
from boardmaps_sim.pico import FLASH_START, PicoBoard
from boardmaps_sim.qemu import QemuBoard

FIRMWARE = b"\0" * 700 + b"MicroPython v1.26.1"
ARM_ELF = b"\x7fELF\x01\x01\x01" + bytes(11) + struct.pack("<H", 40) + bytes(40)


def test_uf2_round_trip() -> None:
    blocks = from_uf2(to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY), RP2040_FAMILY)
    assert [address - FLASH_START for address, _ in blocks] == [0, 256, 512]
    assert b"".join(data for _, data in blocks) == FIRMWARE.ljust(768, b"\0")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a UF2 file, or cut short"),
        (b"hello", "5 bytes is not a number of 512-byte blocks"),
        (bytes(1024), "block 0 has not the magic numbers of UF2"),
        (to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY)[:-1], "cut short"),
        (to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY)[:-512], "it has 2 of its 3 blocks: cut short, or damaged"),
        (
            to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY)[:1024] + to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY)[:512],
            "2 of its 3",
        ),
        (ARM_ELF + b"MicroPython", "not a UF2 file"),
        (to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY)[:-512] + bytes(512), "block 2 has not the magic numbers"),
        (to_uf2(FIRMWARE, FLASH_START, 0xE48BFF59), r"it is for RP2350 \(Arm\) \(family 0xe48bff59\), not for RP2040"),
        (to_uf2(FIRMWARE, FLASH_START, 0x12345678), "it is for another chip"),
        (to_uf2(FIRMWARE, 0x20000000, RP2040_FAMILY), "it writes to 0x20000000, outside the Pico's flash"),
        (to_uf2(b"blink", FLASH_START, RP2040_FAMILY), "there is no MicroPython in it"),
    ],
)
def test_the_pico_refuses(tmp_path: Path, content: bytes, reason: str) -> None:
    image = tmp_path / "firmware.uf2"
    image.write_bytes(content)
    with pytest.raises(BoardError, match=reason):
        PicoBoard(image=image, port=tmp_path / "port").start()
    assert list(tmp_path.iterdir()) == [image]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not an ELF file"),
        (to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY), "not an ELF file"),
        (ARM_ELF.replace(struct.pack("<H", 40), struct.pack("<H", 62)), "another processor"),
        (ARM_ELF, "no MicroPython in it"),
        (ARM_ELF + b"MicroPython", "another machine than mps2-an385"),
    ],
)
def test_qemu_refuses(tmp_path: Path, content: bytes, reason: str) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(content)
    with pytest.raises(BoardError, match=reason):
        QemuBoard(image=image, port=tmp_path / "port").start()
    assert list(tmp_path.iterdir()) == [image]


@pytest.mark.parametrize("kind", [PicoBoard, QemuBoard])
def test_a_folder_is_no_image(tmp_path: Path, kind: type[PicoBoard] | type[QemuBoard]) -> None:
    with pytest.raises(BoardError, match="cannot be read: Is a directory"):
        kind(image=tmp_path, port=tmp_path / "port").start()


@pytest.mark.parametrize("kind", [PicoBoard, QemuBoard])
def test_a_missing_image_says_what_to_do(tmp_path: Path, kind: type[PicoBoard] | type[QemuBoard]) -> None:
    with pytest.raises(BoardError, match=r"make (pico|qemu)-deps (pico|qemu)"):
        kind(image=tmp_path / "absent", port=tmp_path / "port").start()


def test_qemu_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(ARM_ELF + b"MicroPython mps2-an385")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(BoardError, match="apt-get install qemu-system-arm"):
        QemuBoard(image=image, port=tmp_path / "port").start()


def test_a_flash_image_of_another_size_is_refused(tmp_path: Path) -> None:
    firmware, flash = tmp_path / "firmware.uf2", tmp_path / "flash.img"
    firmware.write_bytes(to_uf2(FIRMWARE, FLASH_START, RP2040_FAMILY))
    flash.write_bytes(bytes(4096))
    with pytest.raises(BoardError, match="has 4096 bytes, the flash of this board 1441792"):
        PicoBoard(image=firmware, flash=flash, port=tmp_path / "port").start()
    assert flash.read_bytes() == bytes(4096)
