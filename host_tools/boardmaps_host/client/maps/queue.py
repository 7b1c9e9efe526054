"""A board's Queue and Stack."""

from boardmaps.abi import BPF_ANY
from boardmaps_host.client.maps.base import Buffer, Key, RemoteMap


class RemoteQueue(RemoteMap):
    """A Queue on a board, and what it shares with a Stack.

    update() is push, lookup() peek and lookup_and_delete() pop; their key is None or empty.
    """

    def _key(self, op: str, key: Key | None) -> bytes:
        return b"" if key is None else super()._key(op, key)

    def push(self, value: Buffer, flags: int = BPF_ANY) -> None:
        """Add a value. In a full map BPF_ANY raises OutOfMemory, and with BPF_EXIST the oldest value goes."""
        self._update("push", None, value, flags)

    def pop(self) -> bytes | None:
        """Remove the next value and return it; None when the map is empty."""
        return self.lookup_and_delete()

    def pop_into(self, out: bytearray | memoryview) -> bool:
        """Remove the next value and copy it into `out` (value_size bytes, writable); False when the map is empty."""
        target = self._out("pop_into", out)
        value = self.pop()
        if value is not None:
            target[:] = value
        return value is not None

    def peek(self) -> bytes | None:
        """Return the next value and leave it; None when the map is empty."""
        return self.lookup()

    def peek_into(self, out: bytearray | memoryview) -> bool:
        """Copy the next value into `out` (value_size bytes, writable) and leave it; False when the map is empty."""
        return self.lookup_into(None, out)

    def update(self, key: Key | None, value: Buffer, flags: int = BPF_ANY) -> None:
        """Push."""
        self._update("update", key, value, flags)

    def lookup(self, key: Key | None = None) -> bytes | None:
        """Peek."""
        return super().lookup(key)  # type: ignore[arg-type] # _key() takes it

    def lookup_into(self, key: Key | None, out: bytearray | memoryview) -> bool:
        """Peek into `out`."""
        return super().lookup_into(key, out)  # type: ignore[arg-type]

    def lookup_and_delete(self, key: Key | None = None) -> bytes | None:
        """Pop."""
        return super().lookup_and_delete(key)  # type: ignore[arg-type]


class RemoteStack(RemoteQueue):
    """A Stack on a board: pop() and peek() give the newest value."""
