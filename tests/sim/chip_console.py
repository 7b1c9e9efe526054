"""A terminal at a board that ends its lines as MicroPython's ports for real chips do."""

import serial

from tests.waits import PATIENCE

RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"


class ChipConsole(serial.Serial):
    """A client with the port open."""

    def __init__(self, port: str) -> None:
        super().__init__(port, timeout=PATIENCE)

    def expect(self, text: bytes) -> bytes:
        """Everything up to and with `text`; fails with what came instead."""
        data: bytes = self.read_until(text)
        assert data.endswith(text), f"expected {text!r}, got {data!r}"
        return data

    def start(self, program: str) -> None:
        """Run a program in the raw REPL, interrupting whatever runs; what it prints follows."""
        self.write(b"\r\x03\x03\x01")
        self.expect(RAW_PROMPT)
        self.write(program.encode() + b"\x04")
        self.expect(b"OK")
