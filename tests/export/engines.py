"""Debian's Prometheus and mosquitto on ports and in folders of a test's own, ended by their process."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.require import require_or_skip
from tests.waits import PATIENCE, eventually


def free_port() -> int:
    """Return a port of the loopback interface that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def engine(command: list[str], folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends, from when it takes connections; what it says goes to a file in `folder`."""
    log = folder / f"{Path(command[0]).name}.log"
    with log.open("ab") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        try:
            assert eventually(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)


def program(name: str, package: str) -> str:
    """Return where a program is; skip, or fail where it is required, without it."""
    found = shutil.which(name) or shutil.which(f"/usr/sbin/{name}")
    require_or_skip(found is not None, f"no {name}. Run: apt-get install {package}, or make engines-deps")
    return str(found)
