"""The process of the emulated Pico: the emulator, its USB serial port, its flash image, real time while it idles."""

import asyncio
import random
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rp2040py.boards import BoardSpec
from rp2040py.device.base_device import BaseDevice
from rp2040py.peripherals.peripheral import BasePeripheral
from rp2040py.rp2040 import RP2040

from boardmaps_sim.base import BoardError
from boardmaps_sim.machine import Settings, run_machine
from boardmaps_sim.pico import FILES_START, FLASH_END, FLASH_START
from boardmaps_sim.pico_flash import PicoFlash
from boardmaps_sim.power import PowerCut
from boardmaps_sim.pty_port import PtyPort

_BLOCK = 4096
_IDLE_NANOS = 1_000_000  # of emulated time between two looks at the port while the processor waits
_BUSY_NANOS = (
    100_000  # and while it computes, when that is about a millisecond of ours, or has just had bytes or sent some
)
_TALK_NANOS = 10_000_000  # how long after that: an answer that comes within a millisecond must not take one
_STALL = 0.5  # seconds; a client that reads nothing for so long loses output
_MOST_QUEUED = 1 << 20
_ROSC = 0x40060  # where the emulator looks it up: bits 31 to 12 of its address
_RANDOMBIT = 0x1C
_PIO = (0x50200, 0x50300)  # likewise


class _Rosc(BasePeripheral):
    """The ring oscillator, which the emulator lacks: its random bit is all that the firmware draws os.urandom() from."""

    def __init__(self, mcu: RP2040, seed: int) -> None:
        super().__init__(mcu, "ROSC_BASE")
        self._random = random.Random(seed)

    def read_uint32(self, offset: int) -> int:
        """Return a new bit each time, and what any register that is not there has."""
        return self._random.getrandbits(1) if offset == _RANDOMBIT else super().read_uint32(offset)


class _Running(list[Any]):
    """The programmable I/O blocks that run: the emulator goes over them after each instruction. By number it finds all."""

    def __init__(self, blocks: list[Any]) -> None:
        super().__init__()
        self._blocks = blocks

    def __getitem__(self, number: Any) -> Any:
        """Return block 0 or 1, whether it runs or not."""
        return self._blocks[number]

    def update(self) -> None:
        """Take up what began to run, and leave what stopped."""
        self[:] = [block for block in self._blocks if not block.stopped]


class _Pio:
    """One such block on the bus. Only a write makes it run."""

    def __init__(self, block: Any, running: _Running) -> None:
        self._block, self._running = block, running
        self.read_uint32 = block.read_uint32
        self.write_uint32 = block.write_uint32

    def write_uint32_atomic(self, offset: int, value: int, atomic_type: int) -> None:
        """Write a register, as the bus does."""
        self._block.write_uint32_atomic(offset, value, atomic_type)
        self._running.update()

    def reset(self) -> None:
        """Stop."""
        self._block.reset()


class Pico:
    """A Pico with power."""

    def __init__(self, settings: Settings, port: PtyPort) -> None:
        """Load firmware and files; nothing runs before run()."""
        self._device = BaseDevice(board=BoardSpec(image=settings["image"]))
        mcu = self._device.mcu
        mcu.peripherals[_ROSC] = _Rosc(mcu, settings["seed"])
        blocks, mcu.pio = mcu.pio, _Running(mcu.pio)
        for address, block in zip(_PIO, blocks, strict=True):
            mcu.peripherals[address] = _Pio(block, mcu.pio)
        cut = settings["power_cut"]
        self.flash = PicoFlash(mcu, cut and PowerCut(**cut), self._power_off)
        self._boot: asyncio.Task[None] | None = None
        self._port = port
        self._image = Path(settings["flash"])
        self._saved = self._image.read_bytes()
        self._files()[:] = self._saved
        self._to_client = b""
        self._to_board = b""
        self._deadline = 0.0
        self._talked = 0.0  # when bytes went last, either way, in emulated nanoseconds
        self._paced = False  # booting has no need to take its time
        self._real, self._emulated = 0.0, 0.0  # where our clock and the emulated one were together
        self._epoll = select.epoll()
        self._epoll.register(port.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        self._written = False
        self._device.mcu.qspi[1].add_listener(self._flash_selected)
        self._device.cdc.on_serial_data = self._print
        self._usb = self._device.mcu.usb_ctrl
        assert self._usb.on_endpoint_read is not None
        self._answer_read: Callable[[int, int], None] = self._usb.on_endpoint_read
        self._usb.on_endpoint_read = self._usb_read
        self._read_waiting: tuple[int, int] | None = None
        self._alarm = self._device.simulator.clock.create_alarm(self._serve)

    async def run(self, booted: Callable[[], None]) -> None:
        """Boot and run until stdin is closed or the power cut. Raises BoardError when the firmware does not come up over USB."""
        simulator = self._device.simulator
        self._alarm.schedule(_BUSY_NANOS)
        self._boot = asyncio.create_task(self._device.astart(timeout=20))
        try:
            await asyncio.wait([self._boot])
            if not self._boot.cancelled():
                self._boot.result()
            self._paced = True
            booted()
            while simulator.executing:
                await asyncio.sleep(0.2)
            if simulator.engine_room_error:
                raise BoardError(f"the emulator failed: {simulator.engine_room_error!r}")
        except TimeoutError as error:
            raise BoardError(
                "the firmware did not appear as a USB serial port within 20 s. Is it MicroPython?"
            ) from error
        finally:
            self._device.stop()
            self._save()

    def _power_off(self) -> None:
        """Stop within this instruction."""
        self._device.stop()
        assert self._boot is not None
        self._boot.cancel()  # which would wait for what does not come any more

    def _serve(self) -> None:
        """Called by the emulated clock: move bytes, and let an idle processor's time not run ahead of ours."""
        idle = self._device.mcu.core.waiting
        for fd, event in self._epoll.poll(self._ahead() if idle and not self._to_board else 0):
            if fd == sys.stdin.fileno():
                self._power_off()
            elif event & select.EPOLLHUP:
                self._take()
                if self._port.client_left():
                    self._epoll.register(self._port.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        self._take()
        if self._to_client:
            self._print(b"")
        if self._written and idle:
            self._save()
        talks = self._device.simulator.clock.nanos - self._talked < _TALK_NANOS
        self._alarm.schedule(_IDLE_NANOS if idle and not talks else _BUSY_NANOS)

    def _ahead(self) -> float:
        """Seconds by which emulated time is ahead of ours. A busy emulator falls behind; that is never made up for."""
        now, emulated = time.monotonic(), self._device.simulator.clock.nanos / 1e9
        ahead = (emulated - self._emulated) - (now - self._real)
        if ahead < 0 or not self._paced:
            self._real, self._emulated = now, emulated
            return 0
        return ahead

    def _take(self) -> None:
        fifo = self._device.cdc.tx_fifo
        if not self._to_board:
            self._to_board = self._port.read()
            if self._to_board:
                self._talked = self._device.simulator.clock.nanos
        room = fifo.size - fifo.item_count
        for byte in self._to_board[:room]:
            self._device.cdc.send_serial_byte(byte)
        self._to_board = self._to_board[room:]
        if self._read_waiting and not fifo.empty:
            self._answer_read(*self._read_waiting)
            self._read_waiting = None

    def _usb_read(self, endpoint: int, size: int) -> None:
        """The firmware offers a buffer. Without bytes for it a real computer sends nothing; the emulator's sends empty
        packets without end, and the firmware would never come to rest."""
        if endpoint and self._device.cdc.tx_fifo.empty:
            self._read_waiting = (endpoint, size)
        else:
            self._answer_read(endpoint, size)

    def _print(self, data: bytes | bytearray) -> None:
        waiting = self._to_client + data
        if data:
            self._talked = self._device.simulator.clock.nanos
        taken = self._port.write(waiting)
        now = time.monotonic()
        if taken:
            self._deadline = now + _STALL
        elif now > self._deadline or len(waiting) > _MOST_QUEUED:
            taken = len(waiting)  # the emulated USB cannot hold the board back
        self._to_client = waiting[taken:]

    def _files(self) -> memoryview:
        return memoryview(self._device.mcu.flash)[FILES_START - FLASH_START : FLASH_END - FLASH_START]

    def _flash_selected(self, *_pin: object) -> None:
        self._written = True

    def _save(self) -> None:
        """Bring the image up to date with the emulated flash."""
        self._written = False
        files = bytes(self._files())
        if files == self._saved:
            return
        with self._image.open("r+b") as image:
            for start in range(0, len(files), _BLOCK):
                block = files[start : start + _BLOCK]
                if block != self._saved[start : start + _BLOCK]:
                    image.seek(start)
                    image.write(block)
        self._saved = files


def _run(settings: Settings, booted: Callable[[], None]) -> dict[str, Any]:
    port = PtyPort(Path(settings["port"]))
    try:
        pico = Pico(settings, port)
        asyncio.run(pico.run(booted))
    finally:
        port.close()
    return {"flash_operations": pico.flash.operations}


if __name__ == "__main__":
    sys.exit(run_machine(_run))
