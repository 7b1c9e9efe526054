"""`boardmaps check`: what a profile lacks is found before a program is flashed."""

import importlib.util
import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import click
import pytest

from boardmaps_host.cli import check
from tests.cli.conftest import Command

PROGRAMS = {
    "lru": "from boardmaps import LruHashMap\nm = LruHashMap(key_size=4, value_size=4, max_entries=8)\n",
    "resize": 'from boardmaps import HashMap\nm = HashMap(4, 4, 8, name="x")\nm.resize(16)\n',
    "board": "import time\nfrom boardmaps import StaticPool, poll\nt = time.ticks_ms()\npoll()\n",
    "both": 'from boardmaps import HashMap\nm = HashMap(key_size=4, value_size=4, max_entries=8, name="x")\n',
}


@pytest.mark.parametrize(
    ("program", "profile", "complaint"),
    [
        ("lru", "embedded", 'Module "boardmaps" has no attribute "LruHashMap"'),
        ("lru", "cloud", None),
        ("resize", "embedded", '"HashMap" has no attribute "resize"'),
        ("resize", "cloud", None),
        ("board", "embedded", None),
        ("board", "cloud", 'no attribute "ticks_ms"'),
        ("both", "embedded", None),
        ("both", "cloud", None),
    ],
)
def test_a_profile_has_what_it_has(
    run: Command, tmp_path: Path, program: str, profile: str, complaint: str | None
) -> None:
    path = tmp_path / f"{program}.py"
    path.write_text(PROGRAMS[program])
    done = run("check", str(path), "--profile", profile)
    if complaint is None:
        place = "on the computer" if profile == "cloud" else "on the board unix"
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{path}: nothing is wrong {place}.\n"
    else:
        assert done.returncode == 1
        assert complaint in done.stdout
        assert all(str(path) in line for line in done.stdout.splitlines()), "only the program's own mistakes"


def test_stubs_that_are_missing_are_named(run: Command, tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("x = 1\n")
    (tmp_path / "mine.toml").write_text(
        (Path(__file__).parents[2] / "boards" / "pico.toml").read_text().replace("rpi-pico-stubs", "no-such-stubs")
    )
    done = run("check", str(tmp_path / "p.py"), "--board", str(tmp_path / "mine.toml"))
    assert done.returncode == 1
    name = "micropython-rp2-no-such-stubs"
    assert done.stderr == f"boardmaps: {name} is not installed, which the check needs: pip install {name}.\n"


def test_all_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an installation without the extra, which then has all of it."""

    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(click.ClickException) as told:
        check._need(check.stubs_of("unix"))
    assert str(told.value.message) == (
        "mypy, micropython-stdlib-stubs, micropython-unix-stubs are not installed, which the check needs: "
        "pip install 'boardmaps[check]'."
    )
    with pytest.raises(click.ClickException, match=r"pip install 'boardmaps\[check\]' micropython-rp2-rpi-pico-stubs"):
        check._need(check.stubs_of("pico"))


def test_the_extra_has_what_the_check_needs() -> None:
    extras = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    names = {re.split("[>=]", line)[0] for line in extras["check"]}
    stubs = set(check.stubs_of("unix"))
    needed = {
        name.split(">")[0].split("~")[0].split("=")[0].strip()
        for name in metadata.requires("micropython-unix-stubs") or ()
    }
    assert {"mypy"} | stubs <= names | needed


def test_a_program_that_is_not_there(run: Command) -> None:
    assert run("check", "none.py").returncode == 2


def test_what_is_wrong_as_json(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "resize.py"
    path.write_text(PROGRAMS["resize"])
    done = run("check", str(path), "--json")
    (found,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, found["line"], found["severity"]) == (1, 3, "error")
    assert '"HashMap" has no attribute "resize"' in found["message"]
