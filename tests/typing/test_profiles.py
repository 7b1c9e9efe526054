"""Profile erasure: the same program type-checks against one profile and fails, on exactly the marked lines, against the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROFILES = ("cloud", "embedded")
PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))
FOUND = re.compile(r"^[^:]+\.py:(\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE)


def marked(program: Path, profile: str) -> list[tuple[int, str]]:
    """Return (line, mypy's code) of what a program says must fail for this profile."""
    return [
        (number, code)
        for number, line in enumerate(program.read_text().splitlines(), 1)
        for codes in re.findall(rf"# not {profile}: ([a-z -]+)", line)
        for code in codes.split()
    ]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_fails_where_it_says_and_nowhere_else(program: Path, profile: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boardmaps_host.cli", "check", "--profile", profile, str(program)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = marked(program, profile)
    assert [(int(line), code) for line, code in FOUND.findall(done.stdout)] == expected, done.stdout + done.stderr
    assert done.returncode == (1 if expected else 0), done.stdout + done.stderr


def test_the_programs_show_both_directions() -> None:
    both = {program.stem: [bool(marked(program, profile)) for profile in PROFILES] for program in PROGRAMS}
    assert both == {"app": [False, True], "board": [True, False], "wrong": [True, True]}
