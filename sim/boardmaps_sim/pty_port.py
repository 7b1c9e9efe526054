"""A serial port that a simulated board owns: one PTY behind a link with a stable name."""

import errno
import fcntl
import os
import select
import termios
import time
import tty
from contextlib import suppress
from pathlib import Path
from typing import IO

from boardmaps_sim.base import BoardError
from boardmaps_sim.private import make_folder, open_private


class PtyPort:
    """The board's end of a raw PTY; clients open `link`, or `device` behind it, as often as they like.

    The board keeps no descriptor of the clients' end, so the kernel itself knows whether a client is there: without
    one, polls at the board's end tell POLLHUP, and the last client to leave is an edge of it.
    """

    def __init__(self, link: Path) -> None:
        """Claim the name and open the port. Raises BoardError when a live board has the name or it cannot be made."""
        self.link = link
        self._lock = _claim(link)
        self._lock_path = _lock_path(link)
        self._has_client = False
        try:
            self._open()
        except BaseException:
            self._release()
            raise

    def _open(self) -> None:
        self.fd, client_end = os.openpty()
        self.device = os.ttyname(client_end)
        tty.setraw(client_end)
        os.close(client_end)
        os.set_blocking(self.fd, False)
        self._hangups = select.poll()
        self._hangups.register(self.fd, 0)
        replacement = self.link.with_name(f".{self.link.name}.{os.getpid()}")
        replacement.unlink(missing_ok=True)
        replacement.symlink_to(self.device)
        replacement.replace(self.link)

    def fileno(self) -> int:
        """The descriptor to poll, edge-triggered: without a client a level-triggered poll would never sleep."""
        return self.fd

    def read(self) -> bytes:
        """What clients have sent, at most 64 KiB; b"" when there is nothing."""
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""
        self._has_client = True
        return data

    def write(self, data: bytes | bytearray) -> int:
        """Offer data to the client; return how many bytes are dealt with. Without a client all of them are: dropped."""
        if not self._has_client:
            if self._abandoned():
                return len(data)
            self._has_client = True
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def client_left(self) -> bool:
        """Make the port fresh for the next client. True when that took another PTY: poll its descriptor from now on.

        The leaver's unread output and terminal settings go. An exclusive mode (TIOCEXCL) that it left behind outlives
        it, because the PTY does; a board of an ordinary user can only change the PTY then, root's can clear the mode.
        """
        if not self._abandoned():
            return False  # the next one is here already
        tty.setraw(self.fd, termios.TCSAFLUSH)  # both calls reach through to the clients' end
        termios.tcflush(self.fd, termios.TCOFLUSH)
        if not self._has_client:
            return False
        self._has_client = False
        try:
            client_end = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            os.close(self.fd)
            self._open()
            return True
        fcntl.ioctl(client_end, termios.TIOCNXCL)
        os.close(client_end)
        return False

    def hang_up(self) -> None:
        """End the port under its client, as a pulled cable does, and make another under the same name."""
        os.close(self.fd)
        self._has_client = False
        self._open()

    def _abandoned(self) -> bool:
        return bool(self._hangups.poll(0))

    def close(self) -> None:
        """Remove the link and the PTY, and give the name back."""
        self.link.unlink(missing_ok=True)
        os.close(self.fd)
        self._release()

    def _release(self) -> None:
        with suppress(FileNotFoundError):
            self._lock_path.unlink()
        self._lock.close()


def _lock_path(link: Path) -> Path:
    return link.with_name(link.name + ".lock")


def has_ended(link: Path) -> bool:
    """Whether the board that made `link` has ended without removing it. Its PTY's number may be another's by now."""
    try:
        with _lock_path(link).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # removed with the link, a moment ago; or no board's
        return not link.is_symlink()
    return True


def _claim(link: Path) -> IO[str]:
    """Lock `<link>.lock`, which holds the owner's pid; the kernel unlocks it however the owner ends."""
    if os.path.lexists(link) and not link.is_symlink():
        raise BoardError(f"{link} exists and is not a link. Remove it, or pass another port.")
    lock_path = _lock_path(link)
    try:
        make_folder(link.parent)
        patience = time.monotonic() + 0.05
        while True:
            lock = open(open_private(lock_path), "r+")  # noqa: SIM115 - held as long as the port
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                pid = lock.read().strip()
                lock.close()
                if time.monotonic() < patience:  # has_ended() of another process may hold it for this moment
                    time.sleep(0.01)
                    continue
                raise BoardError(
                    f"a simulated board is running at {link} (pid {pid}). Use that one, or end it: kill {pid}."
                ) from None
            # An owner that was just ending may have removed the very file that is now locked.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock.fileno()), lock_path.stat()):
                    break
            lock.close()
    except OSError as error:
        raise BoardError(
            f"{link} cannot be made: {error.strerror}. Pass a port in a folder that you may write."
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
