"""Write new files beside the old ones, and have the board hash them; or leave nothing of them."""

import contextlib
import hashlib
import posixpath
from collections.abc import Callable

from .link import BoardLink, DeployError
from .switch import NEW

Progress = Callable[[str, int, int], None]


def upload(link: BoardLink, changed: dict[str, bytes], progress: Progress) -> None:
    """Write each file under its name and `.new`. `progress` is told (path, files done, files in all).

    Raises DeployError, or KeyboardInterrupt, and then nothing of it is left on the board.
    """
    made: list[str] = []
    try:
        for folder in sorted({parent for path in changed for parent in _parents(path)}):
            if link.listing(folder) is None:
                made.insert(0, folder)
                link.mkdir(folder)
        for done, (path, content) in enumerate(changed.items()):
            progress(path, done, len(changed))
            link.write(path + NEW, content)
        _verify(link, changed)
    except (DeployError, KeyboardInterrupt):
        with contextlib.suppress(DeployError):  # the first error is the one to tell
            link.soft_reset()  # closes the file that was open
            remove(link, [path + NEW for path in changed])
            remove(link, made)
        raise
    progress("", len(changed), len(changed))


def digest(content: bytes) -> bytes:
    """Return the hash that the board computes too."""
    return hashlib.sha256(content).digest()


def remove(link: BoardLink, paths: list[str]) -> None:
    """Remove files and empty folders, those that are there."""
    link.execute(f"import os\nfor p in {paths!r}:\n try:\n  os.remove(p)\n except OSError:\n  pass")


def _verify(link: BoardLink, changed: dict[str, bytes]) -> None:
    arrived = link.sha256(path + NEW for path in changed)
    for path, content in changed.items():
        if arrived[path + NEW] != digest(content):
            raise DeployError(
                f"{link.port}: {path} did not arrive whole, so nothing was put in use. Run deploy again; if it happens "
                f"twice, the line or the flash is bad."
            )


def _parents(path: str) -> list[str]:
    parents = []
    while (path := posixpath.dirname(path)) != "/":
        parents.append(path)
    return parents
