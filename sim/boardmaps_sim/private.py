"""Folders and files that are this user's alone: the one place where they are made, and checked before they are trusted.

A name below /tmp can be taken by any user of the computer before we take it: as a folder of his, or as a link to a file of ours.
"""

import os
import stat
from pathlib import Path

from boardmaps_sim.base import BoardError


def runtime_folder() -> Path:
    """Return the folder for ports and locks: boardmaps below $XDG_RUNTIME_DIR, else /tmp/boardmaps-<uid>. It may not be there yet.

    Raises BoardError for one that is there and is not this user's alone. A runtime folder of somebody else's, as sudo leaves it,
    does not count.
    """
    folder = _runtime()
    if os.path.lexists(folder):
        check_private(folder)
    return folder


def _runtime() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    ours = os.path.isabs(runtime) and (not os.path.lexists(runtime) or _owner(runtime) == os.getuid())
    return Path(runtime, "boardmaps") if ours else Path(f"/tmp/boardmaps-{os.getuid()}")


def check_private(folder: Path) -> None:
    """Raise BoardError unless `folder` is a folder itself, no link, this user's and closed to all others."""
    found = os.lstat(folder)
    if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
        why = "is no folder but a link or a file"
    elif found.st_uid != os.getuid():
        why = f"belongs to the user with the number {found.st_uid}"
    elif stat.S_IMODE(found.st_mode) & 0o077:
        why = f"is open to other users (mode {stat.S_IMODE(found.st_mode):o})"
    else:
        return
    raise BoardError(
        f"{folder} {why}, so what is in it cannot be trusted. Remove it, or set XDG_RUNTIME_DIR to a folder of yours."
    )


def make_folder(folder: Path) -> None:
    """Make a folder, closed to others, with those above it.

    The runtime folder is checked, and so again when somebody has made it just before; a folder that the user named is not.
    Raises BoardError, and OSError when it cannot be made.
    """
    checked = folder.absolute() == _runtime()
    if checked and os.path.lexists(folder):
        check_private(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if checked:
        check_private(folder)


def open_private(path: Path) -> int:
    """Open a file to read and write, made if it is not there, never through a link; return the descriptor.

    Raises BoardError for one that is another user's, or that has another name too, and OSError.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise BoardError(f"{path} is a link, which is not followed. Remove it, or name another file.") from error
        raise
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid() and found.st_nlink <= 1:
        return fd
    os.close(fd)
    raise BoardError(f"{path} is not a file of this user's alone. Remove it, or name another file.")


def _owner(path: str) -> int:
    return os.stat(path).st_uid
