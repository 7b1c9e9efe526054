"""The image file behind the unix board's flash."""

import fcntl
import os
from pathlib import Path

from boardmaps_sim.base import BoardError
from boardmaps_sim.private import make_folder, open_private

BLOCK = 4096  # bytes in an erase block


def claim_flash(path: Path, size: int, *, temporary: bool) -> None:
    """Have the image for this process alone, as long as it lives; make it, blank and `size` bytes, if it is not there.

    A temporary image starts blank whatever is there. Raises BoardError for one that is in use, or is no flash image.
    """
    try:
        make_folder(path.parent)
        if temporary:
            path.unlink(missing_ok=True)  # one that a killed board left
        # An image that the user named may be a link of his; a temporary one has a name of ours, which others can guess.
        fd = open_private(path) if temporary else os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_size == 0:
            os.truncate(fd, size)
    except BlockingIOError:
        raise BoardError(f"the flash image {path} is in use by another board. Pass another one.") from None
    except OSError as error:
        raise BoardError(f"the flash image {path} cannot be had: {error.strerror}. Pass another one.") from error
    head = os.pread(fd, 2 * BLOCK, 0)
    blank = not head.strip(b"\0") or not head.strip(b"\xff")
    littlefs = b"littlefs" in (head[8:16], head[BLOCK + 8 : BLOCK + 16])
    if not (blank or littlefs) or os.fstat(fd).st_size % BLOCK:
        raise BoardError(f"{path} is not the flash image of a board. Pass another flash, or remove it.")
