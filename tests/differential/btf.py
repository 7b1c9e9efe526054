"""A schema's types in the kernel's own format (BTF), so that bpftool shows a map of the kernel's by the names of its fields."""

import struct

from boardmaps.schema import Field, Schema

_INT, _ARRAY, _STRUCT, _ENUM = 1, 3, 4, 6  # kinds
_SIGNED, _CHAR, _BOOL = 1 << 24, 2 << 24, 4 << 24  # of an INT
_HEADER = struct.Struct("=HBBIIIII")


class Btf:
    """Types, numbered from 1 as they are added."""

    def __init__(self) -> None:
        self._types: list[bytes] = []
        self._strings = b"\0"
        self._known: dict[str, int] = {}
        self.index = self.whole("u32", 4)  # of arrays, and the key of one

    def blob(self) -> bytes:
        """Return all of it, for the kernel."""
        types = b"".join(self._types)
        return (
            _HEADER.pack(0xEB9F, 1, 0, _HEADER.size, 0, len(types), len(types), len(self._strings))
            + types
            + self._strings
        )

    def whole(self, name: str, size: int, encoding: int = 0) -> int:
        """Return the number of a type of whole numbers, of so many bytes."""
        if name not in self._known:
            self._known[name] = self._add(name, _INT << 24, size, struct.pack("=I", encoding | 8 * size))
        return self._known[name]

    def array(self, of: int, count: int) -> int:
        """Return the number of a new type: an array."""
        return self._add("", _ARRAY << 24, 0, struct.pack("=III", of, self.index, count))

    def struct(self, name: str, schema: Schema) -> int:
        """Return the number of a new type: a struct with a schema's fields, but for the padding."""
        members = b""
        for field in schema.fields:
            members += struct.pack("=III", self._name(field.name), self.field(field), 8 * field.offset)
        return self._add(name, _STRUCT << 24 | len(schema.fields), schema.size, members)

    def field(self, field: Field) -> int:
        """Return the number of a field's type. Floats are left out: bpftool writes no JSON for them."""
        if field.letter == "s":
            return self.array(
                self.whole("char", 1, _CHAR) if field.kind.endswith("s") else self.whole("u8", 1), field.width
            )
        if field.names and not field.bits:
            items = [struct.pack("=Ii", self._name(text), number) for number, text in field.names.items()]
            return self._add(field.name, _ENUM << 24 | len(items), field.width, b"".join(items))
        encoding = _BOOL if field.letter == "?" else _SIGNED * (field.letter in "bhiq")
        one = self.whole(field.kind, field.width, encoding)
        return self.array(one, field.count) if field.count else one

    def _add(self, name: str, info: int, size: int, rest: bytes) -> int:
        self._types.append(struct.pack("=III", self._name(name) if name else 0, info, size) + rest)
        return len(self._types)

    def _name(self, text: str) -> int:
        at = len(self._strings)
        self._strings += text.encode() + b"\0"
        return at
