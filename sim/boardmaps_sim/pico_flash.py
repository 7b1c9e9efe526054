"""The emulated Pico's flash chip: what the emulator does for it, counted, until the power is cut."""

from collections.abc import Callable

from rp2040py.peripherals import ssi
from rp2040py.rp2040 import RP2040

from boardmaps_sim.power import PowerCut

_ERASES = {ssi.CMD_SECTOR_ERASE: ssi.FLASH_SECTOR_SIZE, ssi.CMD_BLOCK_ERASE: ssi.FLASH_BLOCK_SIZE}
_HEAD = 4  # bytes of a command: what to do, and the address; those to be written follow


class PicoFlash:
    """Stands between the bus and the emulator's chip. `operations` were done since the power came; at `cut` it goes."""

    def __init__(self, mcu: RP2040, cut: PowerCut | None, power_off: Callable[[], None]) -> None:
        """Take the chip's commands from now on. `power_off` is called within the instruction that ends the command."""
        self.operations = 0
        self._cut, self._power_off = cut, power_off
        self._memory, self._bus = mcu.flash, mcu.ssi
        self._execute: Callable[[], None] = mcu.ssi._apply_command
        # It is called when the chip is deselected: the command is complete then. There is no other place to stand.
        mcu.ssi._apply_command = self._command  # type: ignore[method-assign]

    def _command(self) -> None:
        where = self._changes()
        before = bytes(self._memory[where])
        self._execute()
        if where.start == where.stop:
            return
        if self._cut is not None and self.operations == self._cut.at:
            self._memory[where] = self._cut.leaves(before, bytes(self._memory[where]))
            self._power_off()
        else:
            self.operations += 1

    def _changes(self) -> slice:
        """Return which bytes of the flash the command changes."""
        command = self._bus._tx_buffer
        address = int.from_bytes(command[1:_HEAD], "big")
        size = 0
        if self._bus._write_enabled and len(command) >= _HEAD:
            if command[0] == ssi.CMD_PAGE_PROGRAM:
                size = min(len(command) - _HEAD, ssi.FLASH_PAGE_SIZE)
            elif command[0] in _ERASES:
                size = _ERASES[command[0]]
                address -= address % size
        return slice(address, address + size)
