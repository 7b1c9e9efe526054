"""What arrays and hashes of a board share beside add(): numbers changed in one step, and parts of values."""

from struct import pack

from boardmaps.abi import OP_EXCHANGE, OP_FETCH_AND, OP_FETCH_OR, OP_FETCH_XOR, OP_UPDATE_PART, U32_MAX
from boardmaps.errors import InvalidValueSize
from boardmaps_host.client.maps.base import Buffer, Key, RemoteMap

Out = bytearray | memoryview


class RemoteNumbers(RemoteMap):
    """Changes of a number in a value: the whole value when that has 1, 2, 4 or 8 bytes; else `width` bytes at `offset`.

    Those that are named _into write the number, little-endian, to `out`, whose size is the number's.
    """

    def fetch_or(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Set the bits of `operand` in a number in one step and return the old one."""
        return self._fetch("fetch_or", OP_FETCH_OR, key, operand, offset, width)

    def fetch_and(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Keep only the bits of `operand` in a number in one step and return the old one."""
        return self._fetch("fetch_and", OP_FETCH_AND, key, operand, offset, width)

    def fetch_xor(self, key: Key, operand: int, offset: int = 0, width: int | None = None) -> int:
        """Flip the bits of `operand` in a number in one step and return the old one."""
        return self._fetch("fetch_xor", OP_FETCH_XOR, key, operand, offset, width)

    def exchange(self, key: Key, new: int, offset: int = 0, width: int | None = None) -> int:
        """Store a new number in one step and return the old one."""
        return self._fetch("exchange", OP_EXCHANGE, key, new, offset, width)

    def add_into(self, key: Key, delta: int, out: Out, offset: int = 0) -> None:
        """Do add() and write the new number to `out`."""
        target = self._number_out("add_into", key, out, offset)
        self._give(target, self.add(key, delta, offset, len(target)))

    def fetch_or_into(self, key: Key, operand: int, out: Out, offset: int = 0) -> None:
        """Do fetch_or() and write the old number to `out`."""
        target = self._number_out("fetch_or_into", key, out, offset)
        self._give(target, self.fetch_or(key, operand, offset, len(target)))

    def fetch_and_into(self, key: Key, operand: int, out: Out, offset: int = 0) -> None:
        """Do fetch_and() and write the old number to `out`."""
        target = self._number_out("fetch_and_into", key, out, offset)
        self._give(target, self.fetch_and(key, operand, offset, len(target)))

    def fetch_xor_into(self, key: Key, operand: int, out: Out, offset: int = 0) -> None:
        """Do fetch_xor() and write the old number to `out`."""
        target = self._number_out("fetch_xor_into", key, out, offset)
        self._give(target, self.fetch_xor(key, operand, offset, len(target)))

    def exchange_into(self, key: Key, new: int, out: Out, offset: int = 0) -> None:
        """Do exchange() and write the old number to `out`."""
        target = self._number_out("exchange_into", key, out, offset)
        self._give(target, self.exchange(key, new, offset, len(target)))

    def update_part(self, key: Key, offset: int, data: Buffer) -> None:
        """Write `data` into the value under `key`, `offset` bytes from its start, in one step for everybody else.

        Raises InvalidKeySize, InvalidValueSize (past the end), KeyNotFound.
        """
        k = self._key("update_part", key)
        self._whole("update_part", "offset", offset)
        part = self._bytes("update_part", "part", data)
        if not 0 <= offset <= U32_MAX:
            raise InvalidValueSize(
                f"update_part {self.name!r}: {len(part)} bytes at {offset} in a value of {self._value_size}"
            )
        self._ask(OP_UPDATE_PART, pack("<IH", offset, len(k)) + k + part, changes=True)

    def _fetch(self, name: str, op: int, key: Key, operand: int, offset: int, width: int | None) -> int:
        k = self._key(name, key)
        self._whole(name, "operand", operand)
        data = pack("<IBQ", *self._field(name, offset, width), operand % (1 << 64))
        return self._number(name, self._ask(op, data + k, changes=True))

    def _number_out(self, op: str, key: Key, out: Out, offset: int) -> memoryview:
        """Return the caller's buffer for a number; refuse one that cannot take it before anything is changed."""
        self._key(op, key)
        target = self._writable(op, out)
        self._field(op, offset, len(target))
        return target

    def _give(self, target: memoryview, number: int) -> None:
        target[:] = number.to_bytes(len(target), "little")
