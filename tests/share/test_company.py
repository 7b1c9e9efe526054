"""Eight programs on one board, three of them killed: soak/sharing.py, in short."""

from pathlib import Path

from boardmaps_host.deploy import deploy
from boardmaps_sim.unix import UnixBoard
from soak.sharing import _FIRMWARE, company


def test_eight_programs_at_once_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    firmware = tmp_path / "firmware.py"
    firmware.write_text(_FIRMWARE)
    with UnixBoard(port=tmp_path / "port") as board:
        deploy(board.port, app=firmware)
        counted = company(board, 2000, seed=1311)
    assert counted["killed"] == 3
    assert counted["additions"] == 1998
