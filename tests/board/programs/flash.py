"""A flash chip of memory with littlefs on it, whose power can be cut; what is kept lies on it. A program for MicroPython."""

import sys

import vfs

_EIO = -5


class Flash:
    """A block device. `cut`: the operation within which the power goes; `torn` bytes of it are done. Then nothing answers."""

    def __init__(self, blocks=24, memory=None):
        self.memory = memory or bytearray(b"\xff" * (blocks * 4096))
        self.count = len(self.memory) // 4096
        self.operations = 0
        self.cut = None
        self.torn = 0
        self.dead = False

    def readblocks(self, block, buf, offset=0):
        if self.dead:  # asked also when the collector closes a file, with the heap locked
            return _EIO
        at = block * 4096 + offset
        buf[:] = self.memory[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=0):
        return _EIO if self.dead else self._write(block * 4096 + offset, buf)

    def ioctl(self, request, argument):
        if request == 6:
            return _EIO if self.dead else self._write(argument * 4096, b"\xff" * 4096)
        return {4: self.count, 5: 4096}.get(request, 0)

    def _write(self, at, data):
        if self.operations == self.cut:
            data = bytes(data)[: self.torn]
            self.dead = True
        self.operations += 1
        self.memory[at : at + len(data)] = data
        return _EIO if self.dead else 0


def power_on(flash, readonly=False):
    """Mount what a flash holds at /flash, after a power cut too."""
    flash.cut, flash.dead = None, False
    try:
        vfs.umount("/flash")
    except OSError:
        pass
    vfs.mount(vfs.VfsLfs2(flash), "/flash", readonly=readonly)


class _Settings:
    KEPT = "/flash/kept"
    POOL_SIZE = 16384


sys.modules["boardmaps_config"] = _Settings
flash = Flash()
vfs.VfsLfs2.mkfs(flash)
power_on(flash)

import boardmaps  # noqa: F401
from boardmaps import *  # noqa: F403


def error(function, *arguments):
    """Return the class and the text of what a call raises."""
    try:
        function(*arguments)
    except Exception as e:
        return type(e).__name__, str(e)
    return None
