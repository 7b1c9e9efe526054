"""Whether a file is MicroPython for a board: what its format says of the chip, and what the firmware says of itself."""

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from boardmaps_sim.chips.uf2 import RP2040_FAMILY, from_uf2

from ..boards import BoardDefinition

# The firmware's banner: "; Raspberry Pi Pico with RP2040". Every port writes it so, out of its board's definition.
_BANNER = re.compile(rb"; ([ -~]{1,80}?) with ((?:RP2|ESP32|SAMD|NRF5|STM32|MIMXRT|Cortex)[0-9A-Za-z-]*)")
_VERSION = re.compile(rb"MicroPython (v\d[0-9A-Za-z.+-]*)")

_ESP_MAGIC = 0xE9
_ESP_PARTITION_TABLE = 0x8000  # where it lies in the flash, unless a project moves it, and MicroPython's does not
_ESP_PARTITION_MAGIC = b"\xaa\x50"
_DFU_SUFFIX = struct.Struct("<4H3sBI")  # device, product, vendor, version of DFU, "UFD", length, CRC
_ST_LOADER = (0x0483, 0xDF11)  # vendor and product under which the loader in ST's chips appears on USB


class FlashError(Exception):
    """MicroPython could not be written, or must not be; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Chip:
    """How a chip is called in the formats: UF2's families, the Board-ID that its UF2 drive shows, Espressif's chip id.

    `esp_start` is where in the flash a whole image of an Espressif chip begins.
    """

    uf2: tuple[int, ...] = ()
    drive: str = ""
    esp: int | None = None
    esp_start: int = 0


# By `mcu` of the board definitions. A drive's Board-ID goes on after these letters on some boards.
CHIPS = {
    "RP2040": Chip(uf2=(RP2040_FAMILY,), drive="RPI-RP2"),
    "RP2350": Chip(uf2=(0xE48BFF59, 0xE48BFF5A), drive="RP2350"),  # it runs Arm's code and RISC-V's
    "SAMD51G19A": Chip(uf2=(0x55114460,), drive="SAMD51G19A"),
    "nRF52840": Chip(uf2=(0xADA52840,), drive="nRF52840"),
    "ESP32": Chip(esp=0, esp_start=0x1000),
    "ESP32-S2": Chip(esp=2, esp_start=0x1000),
    "ESP32-S3": Chip(esp=9),
    "ESP32-C3": Chip(esp=5),
    "ESP32-C6": Chip(esp=13),
}


def identify(image: Path, board: BoardDefinition) -> str:
    """Return what firmware is in the file, such as "MicroPython v1.26.1 for Raspberry Pi Pico with RP2040".

    Raises FlashError when the file is not in the format that the board's loader takes, is damaged, is for another chip,
    or has no MicroPython in it.
    """
    try:
        data = image.read_bytes()
    except OSError as error:
        raise FlashError(f"{image} cannot be read: {error.strerror}.") from error
    try:
        firmware = _READERS[board.micropython.flash](data, board)
        return _introduction(firmware, board)
    except ValueError as error:
        origin = board.micropython
        raise FlashError(f"{image} was refused for {board.title}: {error}. The right one: {origin.source}") from error


def chip_of(board: BoardDefinition) -> Chip:
    """Return how the formats call the board's chip. Raises FlashError for one that they do not know."""
    chip = CHIPS.get(board.mcu)
    if chip is None or not (chip.uf2 if board.micropython.flash == "uf2" else chip.esp is not None):
        raise FlashError(
            f"{board.name}: no {board.micropython.flash} image can be checked for the chip {board.mcu!r}, so none is "
            f"written; known are {', '.join(CHIPS)}. By hand: {' '.join(board.micropython.steps)}"
        )
    return chip


def _read_uf2(data: bytes, board: BoardDefinition) -> bytes:
    return b"".join(content for _, content in from_uf2(data, *chip_of(board).uf2))


def _read_esp(data: bytes, board: BoardDefinition) -> bytes:
    chip = chip_of(board)
    if len(data) < 24 or data[0] != _ESP_MAGIC:
        raise ValueError("it does not begin with 0xe9: not an image for an Espressif chip")
    found = int.from_bytes(data[12:14], "little")
    if found != chip.esp:
        name = next((name for name, other in CHIPS.items() if other.esp == found), "another chip")
        raise ValueError(f"it is for {name} (chip id {found}), not for {board.mcu} ({chip.esp})")
    table = _ESP_PARTITION_TABLE - chip.esp_start
    if data[table : table + 2] != _ESP_PARTITION_MAGIC:
        raise ValueError("there is no partition table in it: only a part of an image (an .app-bin?), or one cut short")
    return data


def _read_dfu(data: bytes, _board: BoardDefinition) -> bytes:
    if len(data) < _DFU_SUFFIX.size or data[-8:-4] != b"UFD\x10":
        raise ValueError("it does not end with a DFU suffix: not a .dfu file, or cut short")
    _, product, vendor, _, _, _, crc = _DFU_SUFFIX.unpack(data[-_DFU_SUFFIX.size :])
    if zlib.crc32(data[:-4]) ^ 0xFFFFFFFF != crc:
        raise ValueError("its checksum is wrong: the file is damaged")
    if (vendor, product) != _ST_LOADER or data[:5] != b"DfuSe":
        raise ValueError(f"it is for the USB device {vendor:04x}:{product:04x}, not for ST's loader (0483:df11)")
    return data


def _read_plain(data: bytes, _board: BoardDefinition) -> bytes:
    return data


_READERS = {"uf2": _read_uf2, "esptool": _read_esp, "dfu": _read_dfu, "bossac": _read_plain}


def _introduction(firmware: bytes, board: BoardDefinition) -> str:
    if b"MicroPython" not in firmware:
        raise ValueError("there is no MicroPython in it")
    named = [(text.decode(), chip.decode()) for text, chip in _BANNER.findall(firmware)]
    fitting = [(text, chip) for text, chip in named if _same_chip(chip, board.mcu)]
    if named and not fitting:
        raise ValueError(f"it is MicroPython for {' with '.join(named[0])}, and the chip is {board.mcu}")
    version = _VERSION.search(firmware)
    words = ["MicroPython", *([version[1].decode()] if version else [])]
    return " ".join([*words, *(["for", " with ".join(fitting[0])] if fitting else [])])


def _same_chip(one: str, other: str) -> bool:
    """Whether two names mean one chip: STM32F767 and STM32F767ZI, NRF52840 and nRF52840, ESP32S3 and ESP32-S3."""
    a, b = (re.sub(r"[^0-9A-Z]", "", name.upper()) for name in (one, other))
    return a.startswith(b) or b.startswith(a)
