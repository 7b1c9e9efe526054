"""A port that is shared is given away, and comes back: for a deploy, for mpremote, for a program that owns it alone."""

import threading
from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.client.errors import PortReleased
from boardmaps_host.deploy import deploy
from boardmaps_host.share import meeting
from boardmaps_host.share.release import release, released
from boardmaps_sim.unix import UnixBoard
from tests.share.conftest import Connect, clean
from tests.waits import PATIENCE, eventually


def test_a_port_that_is_given_away_comes_back(attach: Connect, unix: UnixBoard) -> None:
    one = attach()
    clean(one)
    hits, watch = one.map("hits"), attach().map("temps").watch(every=0.001)
    with released(unix.port) as shared:
        assert shared
        with connect(unix.port, share=False) as alone:
            alone.map("hits").add(6, 4)
        impatient = threading.Thread(target=hits.add, args=(6, 1))
        impatient.start()
        with pytest.raises(PortReleased, match="has the port now, and gives it back"):
            connect(unix.port, share=True)
    impatient.join(PATIENCE)
    assert hits.lookup(6) == (5).to_bytes(8, "little")
    one.map("temps").update(b"back\0\0\0\0", b"\3\0\0\0")
    assert eventually(lambda: (change := watch.get(1)) is not None and change.key == b"back\0\0\0\0")


def test_a_port_that_is_given_away_for_a_while_is_kept_free_until_somebody_had_it(
    attach: Connect, unix: UnixBoard
) -> None:
    one = attach()
    assert release(unix.port, PATIENCE)
    with connect(unix.port, share=False) as alone:
        alone.map("hits").clear()
        assert eventually(lambda: meeting.hubs()[0]["taken"])
    assert one.map("hits").add(0, 1) == 1
    assert not release("/dev/there-is-no-such-port", 1)


def test_a_deploy_gets_the_port_and_who_watches_goes_on(attach: Connect, unix: UnixBoard, tmp_path: Path) -> None:
    said: list[str] = []
    board = attach(console=said.append)
    watch = board.map("temps").watch(every=0.001)
    deploy(unix.port)
    board.map("temps").update(b"after\0\0\0", b"\1\0\0\0")
    assert eventually(lambda: (change := watch.get(1)) is not None and change.key == b"after\0\0\0")
