"""A program of several files or of a folder: one of them is started, the others are beside it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps_host.cli.deploy import command
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_host.deploy.app import Program, read_app
from boardmaps_sim.unix import UnixBoard
from tests.deploy.conftest import Ask


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """write("a.py", "lib/b.py") makes these files in a folder, each with its own name in it."""

    def make(*names: str) -> Path:
        for name in names:
            (tmp_path / "app" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "app" / name).write_text(f"# {name}\n")
        return tmp_path / "app"

    return make


def test_one_file_is_the_entry_whatever_it_is_called(write: Callable[..., Path]) -> None:
    folder = write("thermostat.py")
    program = read_app(folder / "thermostat.py", None)
    assert program == Program({"thermostat.py": b"# thermostat.py\n"}, "thermostat.py")
    assert list(program.placed(":main.py", "/", "/lib/boardmaps")) == ["/main.py"]
    assert list(program.placed("apps/one.py", "/flash", "/flash/lib/boardmaps")) == ["/flash/apps/one.py"]


def test_several_files_and_a_folder(write: Callable[..., Path]) -> None:
    folder = write(
        "main.py", "thermostat.py", "lib/pid.py", "data.json", ".git/config", "__pycache__/x.pyc", "old.pyc", ".env"
    )
    wanted = ["/data.json", "/lib/pid.py", "/main.py", "/thermostat.py"]
    assert sorted(read_app(folder, None).placed("main.py", "/", "/lib/boardmaps")) == wanted
    files = [folder / "thermostat.py", folder / "main.py"]
    assert sorted(read_app(files, None).placed("main.py", "/", "/lib/boardmaps")) == ["/main.py", "/thermostat.py"]
    placed = read_app([folder / "thermostat.py", folder / "lib"], "thermostat.py").placed(
        "main.py", "/", "/lib/boardmaps"
    )
    assert placed == {"/main.py": b"# thermostat.py\n", "/pid.py": b"# lib/pid.py\n"}
    with pytest.raises(DeployError, match=r"the entry thermostat\.py and another one"):
        read_app(folder, "thermostat.py").placed("main.py", "/", "/lib/boardmaps")


@pytest.mark.parametrize(
    ("names", "app", "entry", "message"),
    [
        (("a.py", "b.py"), ".", None, r"none of a\.py, b\.py is called main\.py: .*--entry a\.py"),
        (("a.py", "b.py"), ".", "c.py", r"the entry c\.py is none of the program's files: a\.py, b\.py"),
        (("x/a.py", "y/a.py"), ".", "a.py", r"the entry a\.py is several of"),
        (("a.py", "x/a.py"), ("a.py", "x/a.py"), None, r"the program has two files a\.py"),
        ((".hidden",), ".", None, "has no files for a board"),
        (("a.py",), "none.py", None, r"none\.py cannot be read: No such file"),
        (("a.py",), (), None, "no file was given"),
        (("lib/boardmaps/abi.py", "main.py"), ".", None, r"cannot go to :/lib/boardmaps/abi\.py"),
    ],
)
def test_what_is_no_program(
    write: Callable[..., Path], names: tuple[str, ...], app: str | tuple[str, ...], entry: str | None, message: str
) -> None:
    folder = write(*names)
    with pytest.raises(DeployError, match=message):
        read_app(folder / app if isinstance(app, str) else [folder / one for one in app], entry).placed(
            "main.py", "/", "/lib/boardmaps"
        )


def test_a_folder_on_a_board(board: UnixBoard, tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "app" / "parts").mkdir(parents=True)
    (tmp_path / "app" / "parts" / "one.py").write_text("x = 'one'\n")
    (tmp_path / "app" / "start.py").write_text(
        "from parts.one import x\nf = open('/ran', 'w')\nf.write(x)\nf.close()\n"
    )
    report = deploy(board.port, app=tmp_path / "app", entry="start.py")
    assert report.written[-2:] == ("/parts/one.py", "/main.py")
    assert ask("import time\nprint(open('/ran').read())") == "one"
    with pytest.raises(DeployError, match=r"the entry main\.py is a file of a program: name its files"):
        deploy(board.port, entry="main.py")


def test_the_commands_options(board: UnixBoard, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.py").write_text("import two\n")
    (tmp_path / "two.py").write_text("f = open('/ran', 'w')\nf.write('two')\nf.close()\n")
    words = [
        "--port",
        board.port,
        "--app",
        str(tmp_path / "two.py"),
        "--app",
        str(tmp_path / "main.py"),
        "--timeout",
        "20",
    ]
    command.main(words, standalone_mode=False)
    assert "files written" in capsys.readouterr().out
    assert ask("print(open('/ran').read())") == "two"
