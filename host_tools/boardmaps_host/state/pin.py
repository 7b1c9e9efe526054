"""A pin's file, read from its bytes alone: 32 bytes of head, and the slice of the map. SPEC.md, section 7, draws it."""

from binascii import crc32
from dataclasses import dataclass
from struct import pack, unpack_from

from boardmaps.errors import InvalidDefinition, MapError

MAGIC, HEAD, VERSION = b"BPIN", 32, 1


@dataclass(frozen=True)
class PinFile:
    """What a pin's file has: the map's slice and its CRC-32, how often the file was written, and the bytes of that in all."""

    slice: bytes
    content: int
    writes: int
    written: int

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        head = pack("<4sHH5I", MAGIC, VERSION, HEAD, len(self.slice), self.writes, self.written, self.content, 0)
        return head + pack("<I", crc32(head)) + self.slice


def parse(data: bytes) -> PinFile:
    """Return what a pin's file has. Raises MapError when it is damaged, InvalidDefinition when it has another version."""
    if len(data) < HEAD or data[:4] != MAGIC or crc32(data[:28]) != unpack_from("<I", data, 28)[0]:
        raise MapError("its head is damaged")
    version, head, size, writes, written, content = unpack_from("<HH4I", data, 4)
    if version != VERSION or head != HEAD:
        raise InvalidDefinition(f"it has version {version}, and this boardmaps reads {VERSION}")
    body = data[HEAD:]
    if len(body) != size:
        raise MapError(f"it has {len(body)} bytes of the map, and {size} were written")
    if crc32(body) != content:
        raise MapError("its content is damaged")
    return PinFile(body, content, writes, written)
