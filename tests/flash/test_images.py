"""Images that are no MicroPython, damaged, or for another chip are refused with the reason; the right ones are known."""

import struct
from pathlib import Path

import pytest

from boardmaps_host.boards import load, load_file
from boardmaps_host.flash.image import FlashError, identify
from boardmaps_sim.chips.cache import firmware_image
from boardmaps_sim.chips.rp2 import BUILT_IN, STOCK
from boardmaps_sim.chips.uf2 import RP2040_FAMILY, to_uf2
from tests.flash.images import ESP32, ESP32_S3, RP2350_ABSOLUTE, RP2350_ARM, dfu, esp, firmware, uf2
from tests.require import require_or_skip

PICO = uf2("Raspberry Pi Pico with RP2040", RP2040_FAMILY)
PICO_2 = uf2("Raspberry Pi Pico2 with RP2350", RP2350_ARM)
ESP = esp("Generic ESP32 module with ESP32", ESP32, 0x1000)
PYBOARD = dfu("PYBv1.1 with STM32F405RG")


@pytest.mark.parametrize(
    ("board", "image", "said"),
    [
        ("pico", PICO, "MicroPython v1.26.1 for Raspberry Pi Pico with RP2040"),
        ("pico2", PICO_2, "for Raspberry Pi Pico2 with RP2350"),
        # as picotool writes it: one absolute block first, which is not part of the program
        ("pico2", to_uf2(bytes(256), 0x10FFFF00, RP2350_ABSOLUTE) + PICO_2, "for Raspberry Pi Pico2 with RP2350"),
        ("itsybitsy_m4", uf2("ItsyBitsy M4 Express with SAMD51G19A", 0x55114460, 0x4000), "ItsyBitsy M4 Express with SAMD51G19A"),
        ("esp32", ESP, "Generic ESP32 module with ESP32"),
        ("esp32s3", esp("Generic ESP32S3 module with ESP32S3", ESP32_S3, 0), "Generic ESP32S3 module with ESP32S3"),
        ("pyboard_v11", PYBOARD, "PYBv1.1 with STM32F405RG"),
        ("nucleo_f767zi", dfu("NUCLEO-F767ZI with STM32F767"), "NUCLEO-F767ZI with STM32F767"),
        ("nano33ble", firmware("Arduino Nano 33 BLE Sense with NRF52840"), "Arduino Nano 33 BLE Sense with NRF52840"),
    ],
)  # fmt: skip
def test_the_right_image_says_what_it_is(tmp_path: Path, board: str, image: bytes, said: str) -> None:
    file = tmp_path / "firmware"
    file.write_bytes(image)
    assert identify(file, load(board)).endswith(said)


@pytest.mark.parametrize("image", [STOCK, BUILT_IN])
def test_real_firmware_for_the_pico_is_known(image: str) -> None:
    file = firmware_image(image)
    require_or_skip(file.exists(), "no firmware for the Pico. Build it: make pico-deps pico")
    assert identify(file, load("pico")).endswith(" for Raspberry Pi Pico with RP2040")
    with pytest.raises(FlashError, match=r"it is for RP2040 \(family 0xe48bff56\), not for RP2350"):
        identify(file, load("pico2"))


@pytest.mark.parametrize(
    ("board", "image", "reason"),
    [
        ("pico", b"", "not a UF2 file, or cut short"),
        ("pico", ESP, "not a UF2 file, or cut short"),
        ("pico", PICO[:-512], "it has 5 of its 6 blocks: cut short"),
        ("pico", PICO_2, r"it is for RP2350 \(Arm\) \(family 0xe48bff59\), not for RP2040 \(0xe48bff56\)"),
        ("pico2", PICO, "it is for RP2040"),
        ("pico", to_uf2(b"blink", 0x10000000, RP2040_FAMILY), "there is no MicroPython in it"),
        ("pico", uf2("Raspberry Pi Pico2 with RP2350", RP2040_FAMILY), "Raspberry Pi Pico2 with RP2350, and the chip is RP2040"),
        ("esp32", PICO, "it does not begin with 0xe9"),
        ("esp32", b"\xe9", "it does not begin with 0xe9"),
        ("esp32", esp("x with ESP32S3", ESP32_S3, 0), r"it is for ESP32-S3 \(chip id 9\), not for ESP32 \(0\)"),
        ("esp32s3", ESP, r"it is for ESP32 \(chip id 0\), not for ESP32-S3 \(9\)"),
        ("esp32", esp("x with ESP32", 77, 0x1000), r"it is for another chip \(chip id 77\)"),
        ("esp32", ESP[:0x6000], "no partition table in it: only a part"),
        ("esp32", ESP[:0x7100], "there is no MicroPython in it"),
        ("pyboard_v11", PICO, "it does not end with a DFU suffix"),
        ("pyboard_v11", PYBOARD[:-1], "it does not end with a DFU suffix"),
        ("pyboard_v11", b"UFD\x10", "it does not end with a DFU suffix"),
        ("pyboard_v11", b"X" + PYBOARD[1:], "its checksum is wrong"),
        ("pyboard_v11", dfu("PYBv1.1 with STM32F405RG", 0x1209, 0x1234), "for the USB device 1209:1234, not for ST's loader"),
        ("pyboard_v11", dfu("NUCLEO-F767ZI with STM32F767"), "NUCLEO-F767ZI with STM32F767, and the chip is STM32F405RG"),
        ("nano33ble", PICO, "Raspberry Pi Pico with RP2040, and the chip is nRF52840"),
        ("nano33ble", b"sketch", "there is no MicroPython in it"),
    ],
)  # fmt: skip
def test_a_wrong_image_is_refused(tmp_path: Path, board: str, image: bytes, reason: str) -> None:
    file = tmp_path / "firmware"
    file.write_bytes(image)
    with pytest.raises(FlashError, match=reason) as caught:
        identify(file, load(board))
    assert str(caught.value).startswith(f"{file} was refused for {load(board).title}: ")
    assert "https://micropython.org/download/" in str(caught.value)


def test_every_damaged_byte_of_a_dfu_file_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "firmware.dfu"
    for at in range(0, len(PYBOARD), 97):
        file.write_bytes(PYBOARD[:at] + bytes([PYBOARD[at] ^ 0x40]) + PYBOARD[at + 1 :])
        with pytest.raises(FlashError):
            identify(file, load("pyboard_v11"))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FlashError, match=r"none\.uf2 cannot be read: No such file"):
        identify(tmp_path / "none.uf2", load("pico"))


def test_a_chip_that_the_formats_do_not_know(tmp_path: Path) -> None:
    definition = Path(__file__).parents[2] / "boards" / "pico.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(definition.read_text().replace('mcu = "RP2040"', 'mcu = "RP9000"'))
    file = tmp_path / "firmware.uf2"
    file.write_bytes(PICO)
    with pytest.raises(FlashError, match="no uf2 image can be checked for the chip 'RP9000', so none is written"):
        identify(file, load_file(mine))


def test_the_checksum_is_that_of_the_format() -> None:
    """Against a suffix that is computed bit by bit, as the format says: CRC-32 reflected, without the last inversion."""
    crc = 0xFFFFFFFF
    for byte in PYBOARD[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    assert struct.unpack("<I", PYBOARD[-4:])[0] == crc
