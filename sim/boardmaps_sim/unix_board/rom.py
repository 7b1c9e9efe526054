# mypy: ignore-errors
"""What the unix board does between power on and the REPL. Runs on MicroPython.

The flash image takes the place of the host's files at /, then boot.py and main.py run as they do on a board. The power
supply is told how far the board is, a byte at a time: B the flash is there, E the REPL comes next, S a soft reset
is wanted, R a hard one, F the flash cannot be used, T and a byte that a second terminal sends.
"""

import io
import os
import sys
import time
from builtins import execfile

import machine_reset
import micropython
import os_terminal
import vfs

_HERE = __file__.rsplit("/", 1)[0]


class Flash:
    """A block device over the image file; every write goes through, so ending the process loses nothing."""

    size = 4096

    def __init__(self, path):
        self.file = open(path, "r+b")  # noqa: SIM115
        self.count = os.stat(path)[6] // self.size

    def readblocks(self, block, buf, offset=0):
        """Fill buf from a byte offset within a block."""
        self.file.seek(block * self.size + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        """Write buf at a byte offset within a block; littlefs has erased it."""
        self.file.seek(block * self.size + offset)
        self.file.write(buf)

    def ioctl(self, request, _argument):
        """4 the number of blocks, 5 their size, 6 erase one: a file needs no erasing."""
        return {4: self.count, 5: self.size, 6: 0}.get(request)


def mount(image):
    """Put the flash at /, formatted if it is blank, and the host's files out of sight."""
    flash = Flash(image)
    try:
        files = vfs.VfsLfs2(flash)
    except OSError:
        vfs.VfsLfs2.mkfs(flash)
        files = vfs.VfsLfs2(flash)
    vfs.umount("/")
    vfs.mount(files, "/")
    os.chdir("/")


def run(name, main, tell):
    """Run a program from the flash in the namespace `main`, if it is there; return whether the next one may run."""
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, main)
    except SystemExit:
        micropython.kbd_intr(-1)
        tell(b"S")
        while True:  # until the power goes
            time.sleep(1)
    except BaseException as error:
        text = io.StringIO()
        sys.print_exception(error, text)
        print("\n".join(line for line in text.getvalue().split("\n") if _HERE not in line), end="")
        return False
    return True


def boot(main, image, status_fd, run_main):
    """Bring the board up; `main` is the REPL's namespace, which keeps no trace of this."""
    main.clear()
    main["__name__"] = "__main__"
    tell = machine_reset._tell = os_terminal._tell = open(int(status_fd), "wb").write  # noqa: SIM115
    machine_reset.__name__, os_terminal.__name__ = "machine", "os"
    sys.modules["machine"], sys.modules["os"] = machine_reset, os_terminal
    del sys.modules["machine_reset"], sys.modules["os_terminal"], sys.modules["rom"]
    try:
        mount(image)
    except BaseException as error:
        sys.print_exception(error)
        tell(b"F")
        return
    sys.path[:] = ["", ".frozen", "/lib"]
    sys.argv[:] = []
    try:
        tell(b"B")
        if run("boot.py", main, tell) and run_main == "1":
            run("main.py", main, tell)
    except KeyboardInterrupt:  # one that came between two programs
        pass
    tell(b"E")
