"""What carries bytes between the two ends of a line."""

from typing import Protocol


class Transport(Protocol):
    """Something that carries bytes. read() waits up to `timeout` seconds and returns b"" when nothing came."""

    name: str

    def read(self, timeout: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> None: ...


class Port(Transport, Protocol):
    """A transport that a hub can have, which waits for many things at once."""

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to read; -1 where none does."""
        ...
