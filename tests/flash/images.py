"""Firmware images as the chips' own tools write them, small, and with MicroPython's banner in them or without."""

import struct
import zlib

from boardmaps_sim.chips.uf2 import to_uf2

RP2350_ARM = 0xE48BFF59
RP2350_ABSOLUTE = 0xE48BFF57
ESP32, ESP32_S3 = 0, 9


def firmware(banner: str) -> bytes:
    """A program that says who it is where MicroPython's banner says it."""
    return bytes(700) + f"MicroPython v1.26.1 on 2025-09-11; {banner}\0".encode() + bytes(700)


def uf2(banner: str, family: int, address: int = 0x10000000) -> bytes:
    """A UF2 file."""
    return to_uf2(firmware(banner), address, family)


def esp(banner: str, chip: int, start: int) -> bytes:
    """A whole image for an Espressif chip: boot loader, partition table at 0x8000 of the flash, and the program."""
    loader = struct.pack("<4BI8xH", 0xE9, 3, 2, 0x20, 0x400805F0, 0)[:12] + struct.pack("<H", chip) + bytes(10)
    return loader.ljust(0x8000 - start, b"\xff") + b"\xaa\x50".ljust(0x1000, b"\xff") + firmware(banner)


def dfu(banner: str, vendor: int = 0x0483, product: int = 0xDF11) -> bytes:
    """A DfuSe file for ST's loader: prefix, one target with one element, suffix with the checksum."""
    program = firmware(banner)
    element = struct.pack("<2I", 0x08000000, len(program)) + program
    target = struct.pack("<6sBI255s2I", b"Target", 0, 1, b"ST...", len(element), 1) + element
    data = struct.pack("<5sBIB", b"DfuSe", 1, len(target) + 11, 1) + target
    data += struct.pack("<4H3sB", 0, product, vendor, 0x011A, b"UFD", 16)
    return data + struct.pack("<I", zlib.crc32(data) ^ 0xFFFFFFFF)
