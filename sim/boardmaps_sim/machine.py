"""The process of a simulated board: reports on stdout that it has booted, runs until its stdin is closed, leaves nothing behind."""

import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from boardmaps_sim.base import BoardError
from boardmaps_sim.private import make_folder, open_private

Settings = dict[str, Any]


def run_machine(run: Callable[[Settings, Callable[[], None]], dict[str, Any] | None]) -> int:
    """Run a board whose settings are the JSON in argv[1]; `run` calls its second argument when the port answers.

    What `run` returns is reported when the board has ended and its flash is the caller's again.

    SIGTERM, SIGHUP and SIGINT raise SystemExit in `run`, whose own cleanup ends the board. Returns the exit status.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    settings: Settings = json.loads(sys.argv[1])
    reported = False

    def tell(what: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):
            print(json.dumps(what), flush=True)

    def report(**what: str) -> None:
        nonlocal reported
        if not reported:
            reported = True
            tell(what)

    try:
        with _flash(Path(settings["flash"]), temporary=settings["temporary"]):
            at_last = run(settings, report)
        if at_last is not None:
            tell(at_last)
    except BoardError as error:
        if reported:
            print(error, file=sys.stderr)
        report(error=str(error))
        return 1
    return 0


@contextmanager
def _flash(image: Path, *, temporary: bool) -> Iterator[None]:
    """Hold the flash image for this board alone; a temporary one goes with it."""
    fd = os.open(image, os.O_RDWR)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            temporary = False
            raise BoardError(f"the flash image {image} is in use by another board. Pass another one.") from None
        yield
    finally:
        if temporary:
            image.unlink(missing_ok=True)
        os.close(fd)


def prepare_flash(image: Path, size: int, *, temporary: bool, erased: bytes) -> None:
    """Make the image, `size` bytes of `erased`, unless it is there in that size. Raises BoardError."""
    if image.exists() and not temporary:
        if image.stat().st_size != size:
            raise BoardError(
                f"{image} has {image.stat().st_size} bytes, the flash of this board {size}. "
                "Pass another flash, or remove it."
            )
        return
    try:
        make_folder(image.parent)
        if temporary:
            image.unlink(missing_ok=True)  # one that a killed board left, or a link of somebody else's
        with open(open_private(image), "r+b") as blank:
            blank.truncate(size)
            if erased != b"\0":
                blank.write(erased * size)
    except OSError as error:
        raise BoardError(f"the flash image {image} cannot be made: {error.strerror}.") from error
