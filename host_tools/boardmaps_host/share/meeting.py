"""Where a hub and the programs of one user find each other, and the words that they begin with.

A hub has a private folder (boardmaps_sim.private checks its owner) with a socket and a lock for each port: who has the lock is
the port's hub, however its process ends. Windows has no such sockets in Python: there a hub listens on the loopback interface,
and a file in the user's settings has its number and a token that a program must send first. That way is untried.

A program's first line is JSON, and so is the hub's answer. Behind that the program's bytes are the line's, and the hub's come
in chunks: a word, little-endian, with the number of bytes, and LAST_WORDS in it for the JSON of an error with which the
connection ends.
"""

import json
import os
import socket
import struct
import sys
import time
from binascii import crc32
from pathlib import Path
from typing import Any

from boardmaps_host.client import errors
from boardmaps_host.client.errors import LinkError

PROTOCOL = 1  # of what is said here; the frames have versions of their own
LAST_WORDS = 1 << 31
_LONGEST = 1 << 16  # bytes of a first line
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_START = 20.0  # seconds that a hub may take to begin, on a busy computer

Words = dict[str, Any]
Listener = socket.socket


class NoHub(Exception):
    """Nobody shares this port."""


class Place:
    """The files of a port's hub. Raises LinkError when the folder for them is not this user's alone.

    `socket` is for who has found a hub's socket and knows no port: errors name that instead.
    """

    def __init__(self, port: str, socket: Path | None = None) -> None:
        self.port = port
        self.socket = socket or folder() / f"hub-{crc32(port.encode()):08x}.socket"
        self.lock = self.socket.with_suffix(".lock")
        self.journal = self.socket.with_suffix(".journal")


def folder() -> Path:
    """Return the folder of this user's hubs, made if need be. Raises LinkError when others could change what is in it."""
    if os.name != "posix":
        from boardmaps_host.client import known  # Windows alone: what checks users elsewhere is not there

        return known.folder()
    from boardmaps_sim.base import BoardError  # Windows lacks what the next one imports
    from boardmaps_sim.private import make_folder, runtime_folder

    try:
        path = runtime_folder()
        make_folder(path)
    except BoardError as e:
        raise LinkError(str(e)) from e
    except OSError as e:
        raise LinkError(f"the folder for hubs cannot be made: {e}. Set XDG_RUNTIME_DIR to a folder of yours.") from e
    return path


def port_name(target: str) -> str:
    """Return the port that `target` names, as errors call it: mpremote's a0, u0 and auto are resolved."""
    if "/" in target:
        return target
    from boardmaps_host.client.transports.serial import port_path  # saves start-up time: pyserial, for a shortcut alone

    return port_path(target)


def shared_port(target: str) -> str | None:
    """Return the one name that all programs know the port `target` by, None for what is not shared."""
    if "://" in target:
        return target if target.startswith(("socket://", "tcp://")) else None
    if os.path.islink(target) and os.path.exists(
        f"{target}.lock"
    ):  # a simulated board's: the device changes with each start
        return os.path.abspath(target)
    return os.path.realpath(target) if os.path.exists(target) else target


# -- the hub's side


def listen(place: Place) -> tuple[socket.socket, int] | None:
    """Become the hub of a port: return its listening socket and its lock; None when there is one already."""
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    if os.name != "posix":
        return _listen_on_loopback(place, lock)
    import fcntl  # Windows lacks it

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    place.socket.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place.socket))
    listener.listen(64)
    listener.setblocking(False)
    return listener, lock


def _listen_on_loopback(place: Place, lock: int) -> tuple[socket.socket, int] | None:
    try:
        call(place).close()
    except NoHub:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        token = os.urandom(32).hex()
        place.socket.write_text(f"{listener.getsockname()[1]} {token}")
        listener.setblocking(False)
        return listener, lock
    os.close(lock)
    return None


def token_of(place: Place) -> bytes:
    """Return what a program must send first: nothing where the system tells whose the other end is."""
    return b"" if os.name == "posix" else place.socket.read_text().split()[1].encode() + b"\n"


# -- the program's side


def call(place: Place) -> socket.socket:
    """Return a connection to a port's hub. Raises NoHub, or LinkError when the socket is another user's."""
    if os.name != "posix":
        try:
            number, _ = place.socket.read_text().split()
            line = socket.create_connection(("127.0.0.1", int(number)), 5)
            line.sendall(token_of(place))
        except (OSError, ValueError):
            raise NoHub from None
        return line
    try:
        if os.lstat(place.socket).st_uid != os.getuid():
            raise LinkError(_not_ours(place))
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(place.socket))
        except BaseException:
            line.close()
            raise
    except (FileNotFoundError, ConnectionRefusedError):
        raise NoHub from None
    if user_of(line) not in (None, os.getuid()):
        line.close()
        raise LinkError(_not_ours(place))
    return line


def _not_ours(place: Place) -> str:
    return (
        f"{place.port}: the socket {place.socket} of the hub that shares this port is another user's, and is not trusted. "
        "Remove it, or own the port alone: connect(…, share=False)."
    )


def user_of(line: socket.socket) -> int | None:
    """Return the number of the user at the other end; None where the system does not tell, and the folder alone decides."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = _CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return int(user)


def our_user() -> int | None:
    """Return the number of this process's user, None where users have none."""
    return os.getuid() if os.name == "posix" else None


def start(place: Place) -> None:
    """Start a port's hub, a process that outlives this one, and return when it listens. Raises LinkError when it cannot be."""
    import subprocess  # saves start-up time: for the first program of a port alone

    command = [sys.executable, "-m", "boardmaps_host.share", place.port]
    if os.name != "posix":
        _start_detached(place, command)
        return
    try:
        begun = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               timeout=_START, check=False, text=True)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as e:
        raise LinkError(f"{place.port}: its hub cannot be started: {e}. Own the port alone: share=False.") from e
    if begun.returncode:
        why = begun.stdout.strip().rpartition("\n")[2] or f"it ended with {begun.returncode}"
        raise LinkError(f"{place.port}: its hub cannot be started: {why}. Own the port alone: share=False.")


def _start_detached(place: Place, command: list[str]) -> None:
    """Start a hub where a process cannot leave another one behind: it is the hub itself, in a group of its own."""
    import subprocess  # saves start-up time: for the first program of a port alone

    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                     creationflags=0x00000208)  # fmt: skip # detached, a new group
    end = time.monotonic() + _START
    while time.monotonic() < end:
        try:
            call(place).close()
        except NoHub:
            time.sleep(0.05)
        else:
            return
    raise LinkError(f"{place.port}: its hub cannot be started: it does not listen. Own the port alone: share=False.")


def ask(line: socket.socket, words: Words, timeout: float) -> tuple[Words, bytes]:
    """Say `words`; return the hub's answer and what came behind it. Raises NoHub when the hub ends instead of answering."""
    try:
        line.settimeout(timeout)
        line.sendall(json.dumps(words).encode() + b"\n")
        data = b""
        while b"\n" not in data:
            more = line.recv(65536)
            if not more:
                raise NoHub
            data += more
    except TimeoutError:
        raise
    except OSError:
        raise NoHub from None
    answer, _, rest = data.partition(b"\n")
    return json.loads(answer), rest


def about(want: str, **more: Any) -> Words:
    """Return the first words of this process to a hub."""
    program = " ".join([os.path.basename(sys.argv[0] or "python"), *sys.argv[1:4]])[:80]
    return {"v": PROTOCOL, "want": want, "pid": os.getpid(), "program": program, **more}


def hub_of(target: str) -> int | None:
    """Return the process of a port's hub, None when it has none."""
    port = shared_port(port_name(target))
    if port is None:
        return None
    try:
        with call(Place(port)) as line:
            return int(ask(line, about("status"), 5)[0]["pid"])
    except (NoHub, TimeoutError, LinkError, ValueError, KeyError):
        return None


def hubs() -> list[Words]:
    """Return what each hub of this user tells of itself."""
    found = []
    for path in sorted(folder().glob("hub-*.socket")):
        try:
            with call(Place(str(path), path)) as line:
                answer, _ = ask(line, about("status"), 5)
        except (NoHub, TimeoutError, ValueError):
            continue
        found.append(answer)
    return found


def error_words(error: LinkError) -> Words:
    """Return an error as it is told to a program."""
    words = {"error": type(error).__name__, "text": str(error)}
    if isinstance(error, errors.FirmwareError):
        words["traceback"] = error.traceback
    return words


def told_error(words: Words) -> LinkError:
    """Return the error that a hub has told."""
    text, name = str(words.get("text", "")), words.get("error")
    if name == "FirmwareError":
        return errors.FirmwareError(text, str(words.get("traceback", "")))
    if name == "WrongKey":
        from boardmaps_host.client.lock import WrongKey  # saves start-up time: HMAC, for a locked line alone

        return WrongKey(text)
    known = getattr(errors, str(name), LinkError)
    return known(text) if isinstance(known, type) and issubclass(known, LinkError) else LinkError(text)


def first_line(data: bytes) -> Words | None:
    """Return a program's first words when they are all there; raises ValueError for what cannot be."""
    if b"\n" not in data:
        if len(data) > _LONGEST:
            raise ValueError("a first line without end")
        return None
    words = json.loads(data.partition(b"\n")[0])
    if not isinstance(words, dict):
        raise ValueError("no words")  # noqa: TRY004 - one error for all that cannot be
    return words
