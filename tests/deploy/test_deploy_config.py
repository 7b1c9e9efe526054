"""Which boardmaps_config.py deploy() puts on a board, and which it leaves alone."""

from pathlib import Path

import pytest

from boardmaps_host import connect
from boardmaps_host.boards import load
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_sim.unix import UnixBoard
from tests.deploy.conftest import SETTINGS, Ask

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG = "/lib/boardmaps_config.py"


def test_a_board_that_says_what_it_is_gets_its_definition(board: UnixBoard, ask: Ask) -> None:
    steps: list[str] = []
    report = deploy(board.port, progress=lambda path, _done, _total: steps.append(path))
    assert (report.board, report.config) == (
        "unix",
        f"for unix, {CONFIG} has POOL_SIZE = 65536, GUARD = 'none', CPUS = 1",
    )
    assert report.written[-1] == steps[-2] == CONFIG
    assert ask(SETTINGS) == "65536 none 1"


def test_the_definition_that_is_asked_for(board: UnixBoard, ask: Ask) -> None:
    """The unix board stands in for boards of other processors too: pyboard_v11 is one that it simulates."""
    pyboard = load("pyboard_v11")
    report = deploy(board.port, board="pyboard_v11")
    assert report.board == "pyboard_v11"
    assert ask(SETTINGS) == f"{pyboard.pool} {pyboard.guard} 1" == "32768 irq 1"


def test_a_definition_of_ones_own_and_what_it_says_later(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    mine = tmp_path / "mine.toml"
    text = (CHECKOUT / "boards" / "unix.toml").read_text()
    mine.write_text(text.replace('guard = "none"', 'guard = "irq+lock"').replace("cores = 1", "cores = 2"))
    deploy(board.port, board=str(mine))
    assert ask(SETTINGS) == "65536 irq+lock 2"
    mine.write_text(text.replace("pool = 65_536", "pool = 4096"))
    report = deploy(board.port, board=str(mine))
    assert report.written == (CONFIG,)
    assert ask(SETTINGS) == "4096 none 1"


def test_what_was_asked_for_stays_until_something_else_is(board: UnixBoard, ask: Ask) -> None:
    assert deploy(board.port, pool=8192).config == f"for unix, {CONFIG} has POOL_SIZE = 8192, GUARD = 'none', CPUS = 1"
    report = deploy(board.port)
    assert (report.written, CONFIG in report.unchanged) == ((), True)
    assert report.config.startswith(
        f"{CONFIG} stays as deploy --pool 8192 wrote it; for unix it would say POOL_SIZE = 65536"
    )
    assert ask(SETTINGS) == "8192 none 1"
    deploy(board.port, board="unix")
    assert ask(SETTINGS) == "65536 none 1"


@pytest.mark.parametrize("path", [CONFIG, "/boardmaps_config.py"])
def test_a_file_of_the_users_is_left_alone(board: UnixBoard, ask: Ask, path: str) -> None:
    ask(f"import os\nos.mkdir('/lib')\nf = open({path!r}, 'w')\nf.write('GUARD = \"irq\"')\nf.close()")
    report = deploy(board.port, board="unix", pool=4096)
    assert (
        report.config
        == f"{path} is yours and stays as it is; for unix it would say POOL_SIZE = 4096, GUARD = 'none', CPUS = 1"
    )
    assert not any("boardmaps_config" in path for path in report.written + report.unchanged)
    assert ask(f"print(open({path!r}).read())") == 'GUARD = "irq"'
    assert ask(SETTINGS) == "65536 irq 1"


def test_a_file_that_the_user_has_changed_is_the_users(board: UnixBoard, ask: Ask) -> None:
    deploy(board.port)
    ask(f"f = open({CONFIG!r}, 'a')\nf.write('POOL_SIZE = 2048\\n')\nf.close()")
    assert deploy(board.port, board="unix").config.startswith(
        f"{CONFIG} is yours and stays as it is; for unix it would say"
    )
    assert ask(SETTINGS) == "2048 none 1"


def test_a_file_of_the_users_takes_the_place_of_ours_wherever_it_is(board: UnixBoard, ask: Ask) -> None:
    deploy(board.port)
    ask("f = open('/boardmaps_config.mpy', 'w')\nf.close()")
    with pytest.raises(DeployError, match=r"`import boardmaps` raises ValueError: incompatible \.mpy file"):
        deploy(board.port)
    assert ask("import os\nprint(os.listdir('/lib'))") == "['boardmaps']"


def test_one_of_ours_in_another_place_goes(board: UnixBoard, ask: Ask) -> None:
    """As after a change from firmware with a frozen one to firmware without."""
    deploy(board.port)
    ask(f"f = open('/boardmaps_config.py', 'w')\nf.write(open({CONFIG!r}).read())\nf.close()")
    report = deploy(board.port, pool=4096)
    assert (report.written, report.removed) == ((CONFIG,), ("/boardmaps_config.py",))
    assert ask(SETTINGS) == "4096 none 1"


def test_a_board_that_does_not_say_what_it_is(board: UnixBoard, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """As MicroPython before 1.25; a pool may be asked for all the same."""
    monkeypatch.setattr(
        "boardmaps_host.deploy.link._PROBE",
        "import sys\nprint(('micropython', '1.24.0', 'any', sys.implementation._mpy, ''))",
    )
    report = deploy(board.port)
    assert (report.board, CONFIG in report.written) == (None, False)
    assert "--board NAME chooses one" in report.config
    assert deploy(board.port, pool=4096).config == f"as asked for, {CONFIG} has POOL_SIZE = 4096"
    assert ask(SETTINGS) == "4096 none 1"


def test_a_definition_for_another_processor_is_refused(board: UnixBoard, ask: Ask) -> None:
    with pytest.raises(
        DeployError, match=r"pico has a processor of armv6m, and this board \(linux .*\) is x64\. Nothing was"
    ):
        deploy(board.port, board="pico")
    assert ask("import os\nprint(os.listdir('/'))") == "[]"


@pytest.mark.parametrize(
    ("board", "pool", "message"),
    [
        ("picco", None, "no board is called 'picco'; there are "),
        ("./none.toml", None, r"none\.toml: cannot be read"),
        (None, 100_000, "the pool cannot have 100000 bytes: give a multiple of 8 from 256 to 65536"),
        (None, 4100, "the pool cannot have 4100 bytes"),
        (None, 0, "the pool cannot have 0 bytes"),
    ],
)
def test_what_is_asked_for_wrongly_is_told_before_the_board_is_disturbed(
    board: str | None, pool: int | None, message: str
) -> None:
    with pytest.raises(DeployError, match=message):
        deploy("/dev/null/no_such_port", board=board, pool=pool)


def test_the_pool_that_the_error_suggests_fits(tmp_path: Path) -> None:
    with UnixBoard(port=tmp_path / "small", flash=tmp_path / "flash", heap="54000w") as small:
        with pytest.raises(DeployError, match=r"largest free block has \d+ .*--pool \d+`") as caught:
            deploy(small.port)
        size = int(str(caught.value).partition("--pool ")[2].partition("`")[0])
        deploy(small.port, pool=size, reset=False)
        with connect(small.port) as connected:
            assert connected.pool.total_size() == size
