"""The process of the QEMU board: QEMU itself, and a wire from each of its two UARTs to a port."""

import ctypes
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from boardmaps_sim.base import BoardError
from boardmaps_sim.machine import Settings, run_machine
from boardmaps_sim.pty_port import PtyPort
from boardmaps_sim.wire import Loop, Wire

_SILENT_BOOT = 1.5  # seconds; a board that has printed nothing by then runs a silent main.py
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Have the kernel end this process when its parent ends: what a child does before it becomes QEMU."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _run(settings: Settings, booted: Callable[[], None]) -> None:
    with ExitStack() as cleanup:
        loop = Loop()
        command = list(settings["command"])
        theirs = []
        wires = []
        for number, link in enumerate((settings["port"], settings["maps_port"])):
            port = PtyPort(Path(link))
            cleanup.callback(port.close)
            ours, qemus = (cleanup.enter_context(end) for end in socket.socketpair())
            for end in (ours, qemus):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # a UART is not a warehouse
            theirs.append(qemus)
            command += ["-chardev", f"socket,id=uart{number},fd={qemus.fileno()}", "-serial", f"chardev:uart{number}"]
            wires.append(Wire(loop, port, ours))
        qemu = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[end.fileno() for end in theirs],
            preexec_fn=die_with_parent,  # noqa: PLW1509 - this process has one thread
        )
        cleanup.callback(_end, qemu)
        for end in theirs:
            end.close()
        started = time.monotonic()

        def watch() -> None:
            if qemu.poll() is not None:
                assert qemu.stderr is not None
                said = qemu.stderr.read().decode(errors="replace").strip()
                raise BoardError(f"QEMU ended with status {qemu.returncode}. {said}")
            if wires[0].heard or time.monotonic() - started > _SILENT_BOOT:
                booted()

        loop.ticks.append(watch)
        loop.listen(sys.stdin.fileno(), select.EPOLLIN, lambda _event: loop.stop())
        loop.run()


def _end(qemu: subprocess.Popen[bytes]) -> None:
    if qemu.poll() is None:
        qemu.kill()  # it has nothing to tidy up: the flash is a shared mapping
    qemu.wait()
    if qemu.stderr:
        qemu.stderr.close()


if __name__ == "__main__":
    sys.exit(run_machine(_run))
