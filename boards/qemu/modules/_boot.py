# Runs at power-up and at each soft reset, before boot.py: mounts the board's files, which live in the machine's PSRAM.
# QEMU maps that memory from the flash image.
import _given
import sys
import uctypes
import vfs


class Flash:
    """A block device over the first megabyte of the PSRAM at 0x21000000, in blocks of 4096 bytes."""

    def __init__(self):
        self._bytes = memoryview(uctypes.bytearray_at(0x21000000, 0x100000))

    def readblocks(self, block, buf, offset=0):
        start = block * 4096 + offset
        buf[:] = self._bytes[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        start = block * 4096 + offset
        self._bytes[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: 256, 5: 4096, 6: 0}.get(op)  # number of blocks, their size, erase


_flash = Flash()
try:
    _files = vfs.VfsLfs2(_flash)
except OSError:  # a fresh flash
    vfs.VfsLfs2.mkfs(_flash)
    _files = vfs.VfsLfs2(_flash)
vfs.mount(_files, "/")
sys.path.append("/lib")
_given.run()
del _files, _flash, Flash, _given, sys, uctypes, vfs
