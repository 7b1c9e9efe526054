"""A record that a firmware has reserved and forgotten holds its ring up until the host clears it by force."""

import pytest

from boardmaps import NotPermitted
from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.client.conftest import Mpremote

FORGETFUL = """
import boardmaps, time
from boardmaps import ArrayMap, NotPermitted, RingBuf
boardmaps.StaticPool.reset()
ring = RingBuf(128, name="ring")
said = ArrayMap(4, 1, name="said")
held = ring.reserve(4)
ring.output(b"behind it")
while not said.lookup(0)[0]:
    boardmaps.poll()
    time.sleep_ms(1)
try:
    held.submit()
except NotPermitted:
    said.update(0, b"late")
boardmaps.serve()
"""


def test_a_forgotten_record_goes_by_force(unix: UnixBoard, mpremote: Mpremote) -> None:
    mpremote("exec", "--no-follow", FORGETFUL)
    with connect(unix.port) as board:
        ring, said = board.map("ring"), board.map("said")
        assert ring.read() is None  # type: ignore[attr-defined]
        with pytest.raises(NotPermitted, match="a record is reserved"):
            ring.clear()
        ring.clear(force=True)  # type: ignore[call-arg]
        assert (len(ring), ring.output(b"new")) == (0, True)  # type: ignore[attr-defined]
        said.update(0, b"\1\0\0\0")
        while said.lookup(0) != b"late":
            board.listen(0.01)
        assert ring.read()[1] == b"new"  # type: ignore[attr-defined]
    mpremote("exec", "pass")
