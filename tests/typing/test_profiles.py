"""Profile erasure: the same program type-checks against one profile and fails, on exactly the marked lines, against the other."""

import re
from pathlib import Path

import pytest

import boardmaps
from boardmaps_host.typecheck import PROFILES, CheckError, check

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
def test_a_program_fails_where_it_says_and_nowhere_else(
    program: Path, profile: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MYPYPATH", str(Path(boardmaps.__file__).parents[1]))
    options = ["--strict", "--cache-dir", str(tmp_path)]
    if profile == "cloud":
        options += ["--config-file", ""]
    status = check([program], profile, options=options)
    out = capfd.readouterr().out
    expected = marked(program, profile)
    assert [(int(line), code) for line, code in FOUND.findall(out)] == expected, out
    assert status == (1 if expected else 0), out


def test_the_programs_show_both_directions() -> None:
    both = {program.stem: [bool(marked(program, profile)) for profile in PROFILES] for program in PROGRAMS}
    assert both == {"app": [False, True], "board": [True, False], "wrong": [True, True]}


def test_what_is_missing_is_said() -> None:
    with pytest.raises(CheckError, match="cloud or embedded"):
        check(PROGRAMS, "board")
    with pytest.raises(CheckError, match="pip install micropython-nothing-stubs"):
        check(PROGRAMS, "embedded", port="nothing")
