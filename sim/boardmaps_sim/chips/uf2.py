"""UF2, Microsoft's format for flashing over USB: 512-byte blocks, each says where 256 bytes go and on which chip."""

import struct

RP2040_FAMILY = 0xE48BFF56
_HEAD = struct.Struct("<8I")
_MAGIC = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_PAGE = 256
_NOT_MAIN_FLASH = 0x1
_HAS_FAMILY = 0x2000
_ABSOLUTE = (
    0xE48BFF57  # one block ahead of an RP2350's image, against an erratum of its boot ROM; not part of the program
)
# Those whose files lie beside the Pico's on a download page.
_FAMILIES = {
    RP2040_FAMILY: "RP2040",
    0xE48BFF59: "RP2350 (Arm)",
    0xE48BFF5A: "RP2350 (RISC-V)",
    0x1C5F21B0: "ESP32",
    0xC47E5767: "ESP32-S3",
    0xADA52840: "nRF52840",
    0x55114460: "SAMD51",
    0x68ED2B88: "SAMD21",
}


def to_uf2(binary: bytes, address: int, family: int) -> bytes:
    """A UF2 file that puts `binary` at `address` of a chip of that family."""
    pages = [binary[i : i + _PAGE].ljust(_PAGE, b"\0") for i in range(0, len(binary), _PAGE)]
    return b"".join(
        (_HEAD.pack(*_MAGIC, _HAS_FAMILY, address + i * _PAGE, _PAGE, i, len(pages), family) + page).ljust(508, b"\0")
        + struct.pack("<I", _MAGIC_END)
        for i, page in enumerate(pages)
    )


def from_uf2(data: bytes, *families: int) -> list[tuple[int, bytes]]:
    """The (address, bytes) blocks of a UF2 file for one of these families. Raises ValueError with what is wrong with it."""
    if len(data) % 512 or not data:
        raise ValueError(
            f"its length of {len(data)} bytes is not a number of 512-byte blocks: not a UF2 file, or cut short"
        )
    blocks = {}
    in_all = 0
    for start in range(0, len(data), 512):
        block = data[start : start + 512]
        *magic, flags, address, size, number, count, family = _HEAD.unpack_from(block)
        if tuple(magic) != _MAGIC or struct.unpack_from("<I", block, 508)[0] != _MAGIC_END or size > 476:
            raise ValueError(f"block {start // 512} has not the magic numbers of UF2: not a UF2 file, or damaged")
        if flags & _NOT_MAIN_FLASH or (flags & _HAS_FAMILY and family == _ABSOLUTE):
            continue
        if flags & _HAS_FAMILY and family not in families:
            other, wanted = _FAMILIES.get(family, "another chip"), _FAMILIES[families[0]]
            raise ValueError(f"it is for {other} (family 0x{family:08x}), not for {wanted} (0x{families[0]:08x})")
        blocks[number] = address, block[32 : 32 + size]
        in_all = count
    if len(blocks) < in_all:
        raise ValueError(f"it has {len(blocks)} of its {in_all} blocks: cut short, or damaged")
    return list(blocks.values())
