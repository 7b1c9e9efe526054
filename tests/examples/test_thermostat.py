"""The thermostat, as `boardmaps new` makes it, from an installed wheel and outside of this tree."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from boardmaps_host.project import ProjectError, new
from tests.cli.conftest import environment
from tests.waits import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
FILES = ["README.md", "firmware/control.py", "firmware/house.py", "firmware/main.py", "firmware/maps.py"]
FILES += ["pytest.ini", "tests/test_control.py", "tests/test_live.py"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The Python of an environment with this tree's wheel in it; what it depends on is this one's."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    home = tmp_path / "environment"
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    with ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin" / "python"


def test_a_new_project_is_green_as_it_is(installed: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # MicroPython's unix port is there

    def run(*words: str) -> str:
        told = environment(PATH=path, PYTHONNOUSERSITE="1")
        done = subprocess.run(
            [installed, *words], cwd=tmp_path, env=told, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert str(tmp_path) in run("-c", "import boardmaps_host; print(boardmaps_host.__file__)")
    assert "made greenhouse: README.md, firmware/control.py" in run("-m", "boardmaps_host.cli", "new", "greenhouse")
    assert "11 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "greenhouse")


def test_new_says_what_it_has_made(tmp_path: Path) -> None:
    assert new(tmp_path / "deep" / "one") == FILES
    (tmp_path / "empty").mkdir()
    assert new(tmp_path / "empty") == FILES


def test_new_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("one", "one/mine", "file"):
        with pytest.raises(ProjectError, match="is there already, and nothing of it is overwritten"):
            new(tmp_path / name)
    with pytest.raises(ProjectError, match=r"below cannot be made: .*Give a folder"):
        new(tmp_path / "file" / "below")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "mine", "one"]
    assert (tmp_path / "one" / "mine").read_text() == (tmp_path / "file").read_text() == "mine"
