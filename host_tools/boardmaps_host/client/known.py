"""Which board was met on which port: the ids of boards with a locked line, as a file of this user's.

The first board that proves the key on a port is kept; later another one there is refused, though it has the same key. The file
has a line for each that was accepted, `ID-IN-HEX PORT`; the last of a port counts. Lines are only added.
"""

import os
import stat
from pathlib import Path

from boardmaps_host.client.errors import LinkError

_NAME = "known_boards"


class WrongBoard(LinkError):
    """The board that answers has the key, but it is another one than the one that was met on this port before."""


def folder() -> Path:
    """Return the folder of this user's settings, made if need be; raises LinkError when others could change what is in it."""
    # saves start-up time: most calls need no such folder
    from platformdirs import user_config_path

    path = user_config_path("boardmaps", appauthor=False)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = path.lstat()
    except OSError as e:
        raise LinkError(
            f"{path}: the folder for the ids of boards cannot be made: {e.strerror}. Set XDG_CONFIG_HOME."
        ) from e
    if not stat.S_ISDIR(about.st_mode):
        raise LinkError(f"{path}: it is a link, or no folder, and the ids of boards belong there. Remove it.")
    if hasattr(os, "getuid") and (about.st_uid != os.getuid() or about.st_mode & 0o022):
        raise LinkError(
            f"{path}: others may write there, and the ids of boards belong there. chmod 700 {path}, if it is yours."
        )
    return path


class KnownBoards:
    """The board of each port. `accept`: take another board than the known one, once, and know that one from then on."""

    def __init__(self, accept: bool = False, path: Path | None = None) -> None:
        self._accept = accept
        self._path = path

    def check(self, port: str, identity: bytes) -> None:
        """Know the board with this id on `port` from now on; raises WrongBoard when another one is known there."""
        path = self._path or folder() / _NAME
        known = self._read(path).get(port)
        if known == identity.hex():
            return
        if known is not None and not self._accept:
            raise WrongBoard(
                f"{port}: the board there has the id {identity.hex()}, and the one that was met there before had {known}. If "
                "you have put another board there, accept it: connect(…, accept_board=True), --accept-board. Else somebody "
                "has, or leads you to another board."
            )
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
        try:
            file = os.open(path, flags, 0o600)
            try:
                os.write(file, f"{identity.hex()} {port}\n".encode())
            finally:
                os.close(file)
        except OSError as e:
            raise LinkError(f"{path}: the board's id cannot be kept: {e.strerror}.") from e

    @staticmethod
    def _read(path: Path) -> dict[str, str]:
        try:
            file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return {}
        except OSError as e:
            raise LinkError(f"{path}: the ids of boards cannot be read: {e.strerror}.") from e
        with open(file, encoding="utf-8", errors="replace") as lines:
            return {port: known for known, _, port in (line.rstrip("\n").partition(" ") for line in lines) if port}
