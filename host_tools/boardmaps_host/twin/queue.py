"""Queue and Stack: values without keys, the oldest or the newest first, of fixed capacity."""

from __future__ import annotations

from collections import deque
from typing import ClassVar

from boardmaps.abi import BPF_ANY, BPF_EXIST
from boardmaps.definition import MapDef
from boardmaps.errors import InvalidFlags, InvalidKeySize, OutOfMemory
from boardmaps.kinds import QUEUE, STACK

from .base import BytesLike, CloudMap


class Queue(CloudMap):
    """First in, first out: `max_entries` values of value_size bytes.

    For callers that treat all maps alike update() is push, lookup() is peek and lookup_and_delete() is pop; their key
    is None or empty.
    """

    _type: ClassVar[int] = QUEUE
    _instead = "its values have no keys; use push, peek and pop"

    def __init__(self, value_size: int, max_entries: int, map_flags: int = 0, name: str = "", schema: str = "") -> None:
        super().__init__(MapDef(self._type, 0, value_size, max_entries, map_flags, name, schema=schema))

    def _set_up(self) -> None:
        # The oldest at the left, where one goes when an append finds the deque full.
        self._values: deque[bytes] = deque(maxlen=self.definition.max_entries)

    def push(self, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Add a value. In a full map BPF_ANY raises OutOfMemory, and with BPF_EXIST the oldest value goes."""
        self._push("push", value, flags)

    def pop(self) -> bytes | None:
        """Remove the next value and return it; None when the map is empty."""
        try:
            return self._run(self._remove_next)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._remove_next)

    def pop_into(self, out: bytearray | memoryview) -> bool:
        """Remove the next value and copy it into `out` (value_size bytes, writable); False when the map is empty."""
        target = self._out("pop_into", out)
        value = self.pop()
        if value is None:
            return False
        target[:] = value
        return True

    def peek(self) -> bytes | None:
        """Return the next value and leave it; None when the map is empty."""
        try:
            return self._values[self._next]
        except IndexError:
            return None

    def peek_into(self, out: bytearray | memoryview) -> bool:
        """Copy the next value into `out` (value_size bytes, writable) and leave it; False when the map is empty."""
        target = self._out("peek_into", out)
        value = self.peek()
        if value is None:
            return False
        target[:] = value
        return True

    def update(self, key: BytesLike | None, value: BytesLike, flags: int = BPF_ANY) -> None:
        """Push."""
        self._no_key("update", key)
        self._push("update", value, flags)

    def lookup(self, key: BytesLike | None = None) -> bytes | None:
        """Peek."""
        self._no_key("lookup", key)
        return self.peek()

    def lookup_into(self, key: BytesLike | None, out: bytearray | memoryview) -> bool:
        """Peek into `out`."""
        self._no_key("lookup_into", key)
        return self.peek_into(out)

    def lookup_and_delete(self, key: BytesLike | None = None) -> bytes | None:
        """Pop."""
        self._no_key("lookup_and_delete", key)
        return self.pop()

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        """Remove every value."""
        self._alone(self._clear)

    def resize(self, new_max_entries: int) -> None:
        """Change max_entries. Growing keeps everything; shrinking drops the oldest values, as push with BPF_EXIST does.

        Raises InvalidDefinition or OutOfMemory, and then nothing has changed.
        """
        self._alone(self._resize, new_max_entries)

    _next: ClassVar[int] = 0  # which end of _values pop takes

    def _no_key(self, op: str, key: BytesLike | None) -> None:
        if key is not None and (size := len(self._bytes(op, "key", key))):
            raise InvalidKeySize(f"{op} {self.name!r}: key is {size} bytes, not 0")

    def _push(self, op: str, value: BytesLike, flags: int) -> None:
        if type(value) is not bytes or len(value) != self._value_size:  # saves two calls for what is right already
            value = self._value(op, value)
        if flags is not BPF_ANY and self._whole(op, "flags", flags) not in (BPF_ANY, BPF_EXIST):
            raise InvalidFlags(f"{op} {self.name!r}: flags {flags!r} are not BPF_ANY or BPF_EXIST")
        try:
            return self._run(self._append, op, value, flags)
        except RuntimeError as error:
            refused = error
        return self._in_turn(refused, self._append, op, value, flags)

    # What follows runs in the map's turn.

    def _append(self, op: str, value: bytes, flags: int) -> None:
        values = self._values
        if flags != BPF_EXIST and len(values) >= self.definition.max_entries:
            raise OutOfMemory(
                f"{op} {self.name!r}: map is full ({len(values)} of {self.definition.max_entries} entries)"
            )
        values.append(value)

    def _remove_next(self) -> bytes | None:
        values = self._values
        if not values:
            return None
        if len(values) > self._most:
            self._note(len(values))
        return values.pop() if self._next else values.popleft()

    def _clear(self) -> None:
        self._note(len(self._values))
        self._values.clear()

    def _resize(self, new_max_entries: int) -> None:
        definition = self._resized(new_max_entries)
        self._note(len(self._values))
        self._set(definition=definition, _values=deque(self._values, maxlen=new_max_entries))


class Stack(Queue):
    """Last in, first out: `max_entries` values of value_size bytes. BPF_EXIST drops the oldest value here too."""

    _type: ClassVar[int] = STACK
    _next: ClassVar[int] = -1
