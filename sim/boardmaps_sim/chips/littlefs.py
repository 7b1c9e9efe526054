"""Writes files into the image of a board's flash without running the board, which would take a minute on an emulated one."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from boardmaps_sim.base import BoardError
from boardmaps_sim.find import find_micropython

# Runs on MicroPython's unix port, which has the same littlefs.
_PROGRAM = """
import os, vfs
image, size, source = {image!r}, {size}, {folder!r}
BLOCK = 4096
class Flash:
    content = bytearray(b"\\xff" * size)
    def readblocks(self, block, buf, offset=0):
        at = block * BLOCK + offset
        buf[:] = memoryview(self.content)[at : at + len(buf)]
    def writeblocks(self, block, buf, offset=0):
        at = block * BLOCK + offset
        self.content[at : at + len(buf)] = buf
    def ioctl(self, op, arg):
        if op == 4:
            return size // BLOCK
        if op == 5:
            return BLOCK
        return 0
flash = Flash()
vfs.VfsLfs2.mkfs(flash, progsize=256)
files = vfs.VfsLfs2(flash, progsize=256)
def copy(path):
    for name, kind, *_ in os.ilistdir(source + path):
        inside = path + "/" + name
        if kind == 0x4000:
            files.mkdir(inside)
            copy(inside)
        else:
            with open(source + inside, "rb") as f, files.open(inside, "wb") as to:
                to.write(f.read())
copy("")
files.umount()
with open(image, "wb") as f:
    f.write(flash.content)
"""


def write_image(image: Path, size: int, files: dict[str, bytes]) -> None:
    """Make an image of `size` bytes with these files, by their paths from the root. Raises BoardError."""
    with TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        program = _PROGRAM.format(image=str(image), size=size, folder=folder)
        command = [find_micropython(None), "-X", "heapsize=16M", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BoardError(f"{image} could not be written: {done.stdout}{done.stderr}")
