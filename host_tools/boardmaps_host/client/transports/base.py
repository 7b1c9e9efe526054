"""What carries bytes between the two ends of a line."""

from typing import Protocol


class Transport(Protocol):
    """Something that carries bytes. read() waits up to `timeout` seconds and returns b"" when nothing came."""

    name: str

    def read(self, timeout: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def reopen(self) -> None: ...

    def close(self) -> None: ...
