"""`boardmaps check`: what a profile lacks is found before a program is flashed."""

import json
from pathlib import Path

import pytest

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
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
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
    assert done.stderr == f"boardmaps: the stubs {name} are not installed: pip install {name}.\n"


def test_a_program_that_is_not_there(run: Command) -> None:
    assert run("check", "none.py").returncode == 2


def test_what_is_wrong_as_json(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "resize.py"
    path.write_text(PROGRAMS["resize"])
    done = run("check", str(path), "--json")
    (found,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (done.returncode, found["line"], found["severity"]) == (1, 3, "error")
    assert '"HashMap" has no attribute "resize"' in found["message"]
