"""`boardmaps completion`: a shell has it after one command, once, and is as it was when it is taken away."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, environment

_ASK = """
COMP_WORDS=(boardmaps "$@")
COMP_CWORD=$#
COMP_TYPE=9
complete -p boardmaps >/dev/null || exit 3
_boardmaps_completion boardmaps
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, with the command in `bin`."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    command = tmp_path / "bin" / "boardmaps"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m boardmaps_host.cli "$@"\n')
    command.chmod(0o755)
    return tmp_path


def completed(home: Path, *words: str) -> list[str]:
    """Return what an interactive bash of this home completes the last word to."""
    done = subprocess.run(
        ["bash", "--rcfile", str(home / ".bashrc"), "-i", "-c", _ASK, "bash", *words],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(HOME=str(home), PATH=f"{home}/bin:{os.environ['PATH']}"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("before", [None, "alias ll='ls -l'\n", "export A=1"])
def test_bash(home: Path, run: Command, before: str | None) -> None:
    startup = home / ".bashrc"
    if before is not None:
        startup.write_text(before)
        startup.chmod(0o640)
    for changed in (True, False):
        done = run("completion", "bash", "--json", HOME=str(home))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["changed"] is changed
    assert startup.read_text().count(">>> boardmaps") == 1
    assert "export" in completed(home, "exp")
    assert {"csv", "mqtt", "prometheus"} <= set(completed(home, "export", ""))
    assert run("completion", "bash", "--remove", HOME=str(home)).returncode == 0
    if before is None:
        assert startup.read_text() == ""
    else:
        assert startup.read_text().rstrip("\n") == before.rstrip("\n")
        assert startup.stat().st_mode & 0o777 == 0o640
    assert not (home / ".local/share/boardmaps/completion.bash").exists()
    assert "not there" in run("completion", "bash", "--remove", HOME=str(home)).stdout


def test_a_startup_file_that_is_a_link_stays_one(home: Path, run: Command) -> None:
    (home / "settings").mkdir()
    (home / "settings" / "zshrc").write_bytes(b"A=\xff\n")
    (home / ".zshrc").symlink_to("settings/zshrc")
    assert run("completion", "zsh", HOME=str(home)).returncode == 0
    assert (home / ".zshrc").is_symlink()
    assert (home / "settings" / "zshrc").read_bytes().startswith(b"A=\xff\n# >>> boardmaps")
    assert "compdef" in (home / ".local/share/boardmaps/completion.zsh").read_text()


def test_fish_reads_its_folder_by_itself(home: Path, run: Command) -> None:
    done = run("completion", "--json", HOME=str(home), SHELL="/usr/bin/fish")
    told = json.loads(done.stdout)
    assert (told["startup"], told["script"]) == (None, f"{home}/.config/fish/completions/boardmaps.fish")
    assert "complete --no-files --command boardmaps" in Path(told["script"]).read_text()


def test_a_shell_that_is_not_known(run: Command) -> None:
    done = run("completion", SHELL="/bin/dash")
    assert done.returncode == 2
    assert "$SHELL is dash; name the shell: bash, zsh or fish." in done.stderr
    assert run("completion", "bash", "--show").stdout.startswith("_boardmaps_completion() {")
