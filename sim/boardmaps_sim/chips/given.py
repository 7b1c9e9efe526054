"""Native modules for an emulated chip without a deploy: they lie in its memory, and a program begins with what imports them.

For tests and benchmarks of firmware that has boardmaps frozen in, which would take no files for it.
"""

from pathlib import Path

from boardmaps_sim.chips.native import PARTS
from boardmaps_sim.qemu import PSRAM

_FILES = 0x100000  # bytes of the qemu board's files, at the beginning of its flash image
BEHIND_FLASH = 0x21000000 + _FILES  # where its memory has what flash_with() puts there
WITHOUT_C = "import sys\nsys.modules['_boardmaps'] = None\n"  # makes built-in firmware what stock firmware is

# A file system, at /given, of files by their paths in it: their bytes, or where those lie in the board's memory and how many.
_FILE_SYSTEM = """
import io, sys, uctypes, vfs
class Files:
    def __init__(self, files):
        self.files = files
    def mount(self, *args):
        pass
    def umount(self):
        pass
    def bytes_of(self, path):
        content = self.files[path]
        return bytes(uctypes.bytearray_at(*content)) if isinstance(content, tuple) else content
    def stat(self, path):
        if path in self.files:
            return (0x8000, 0, 0, 0, 0, 0, len(self.bytes_of(path)), 0, 0, 0)
        for name in self.files:
            if name.startswith(path + "/"):
                return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)
    def open(self, path, mode):
        return io.BytesIO(self.bytes_of(path))
vfs.mount(Files(FILES), "/given")
"""
# Firmware with boardmaps frozen in has no folder of kernels that files could be added to, so they are imported from elsewhere and
# put where the import looks first; for a board that has them in a folder /given of its files this is all.
FROM_FILES = f"""
import sys
sys.path.append("/given")
for name in {list(PARTS)}:
    sys.modules["boardmaps.kernels." + name] = __import__(name)
sys.path.remove("/given")
"""


def mounted(files: dict[str, bytes], at: int | None = None) -> str:
    """Return what a program begins with to have these files at /given: in itself, or in the board's memory from `at` on, joined."""
    given: dict[str, object] = {}
    for name, content in files.items():
        given[f"/{name}"] = content if at is None else (at, len(content))
        at = None if at is None else at + len(content)
    return _FILE_SYSTEM.replace("FILES", repr(given), 1)


def importing(modules: dict[str, bytes], at: int | None = None) -> str:
    """Return what a program begins with to have these native modules as kernels."""
    return mounted(modules, at) + FROM_FILES + 'vfs.umount("/given")\n'


def joined(modules: dict[str, bytes], folder: Path) -> Path:
    """Write modules to one file, for a board's memory."""
    file = folder / "native"
    file.write_bytes(b"".join(modules.values()))
    return file


def flash_with(file: Path) -> Path:
    """Return a qemu board's flash image without files, and with a file's bytes behind them."""
    image = file.with_suffix(".flash")
    content = bytes(_FILES) + file.read_bytes()
    image.write_bytes(content + bytes(PSRAM - len(content)))
    return image
