"""Which of the chosen boards each test runs on; called by plugin.py before they run. Nothing is started here."""

from pathlib import Path

import pytest

from boardmaps_host.client.errors import LinkError
from boardmaps_host.client.transports import open_port

from .targets import Needs, TargetError, parse

LACKING = pytest.StashKey[str]()  # what the board of an item lacks, where no other one has it


def look_at(config: pytest.Config, chosen: list[str]) -> None:
    """Refuse a board that is not there, and a real one that several workers would want."""
    try:
        ports = [target.port for target in map(parse, chosen) if target.port is not None]
    except TargetError as wrong:
        raise pytest.UsageError(str(wrong)) from None
    # pytest looks for its configuration before it knows our option, beside each word that is a path.
    for port in ports:
        if Path(port).exists() and port in config.invocation_params.args:
            raise pytest.UsageError(
                f"--board {port}: write it as one word, --board={port}. pytest takes a path that stands alone for one of tests."
            )
    workers = len(getattr(config.option, "tx", None) or [])
    if ports and workers > 1:
        raise pytest.UsageError(
            f"--board {ports[0]}: one board cannot serve {workers} workers. Leave out -n; boards that are simulated may have "
            "workers, in a run of their own."
        )
    for port in ports:
        if "://" not in port and not config.getoption("collectonly"):
            _open(port)


def _open(port: str) -> None:
    """See that a port is there and free."""
    try:
        open_port(port).close()
    except LinkError as error:
        raise pytest.UsageError(f"--board: {error}") from None


def is_left_out(item: pytest.Item, name: str, chosen: list[str]) -> bool:
    """Whether a test is not to run on the board `name`, but on another one of those `chosen`, as its marker says.

    One that none of them can run is kept, and what its own board lacks is told to it. Raises UsageError for a marker, or a board
    of the conftest's own, that says nothing.
    """
    marker = item.get_closest_marker("board")
    if marker is None:
        return False
    try:
        needs = Needs.of(marker.args, marker.kwargs)
        lacking = needs.lacking(parse(name))
        if not lacking:
            return False
        if any(not needs.lacking(parse(other)) for other in chosen):
            return True
    except TargetError as wrong:
        raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.board: {wrong}.") from None
    item.stash[LACKING] = lacking
    return False
