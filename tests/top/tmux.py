"""A shell in Debian's tmux, of any size: what is on its screen, keys that are pressed, and how the terminal is left."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cli.conftest import environment
from tests.waits import PATIENCE, eventually

_STATE = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{bracket_paste_flag}"
_PROMPT = "ready> "


class Tmux:
    """A tmux server with one shell, whose files are in `folder`. Use it as a context manager."""

    def __init__(self, tmux: str, folder: Path, columns: int, lines: int, **more: str) -> None:
        self.columns, self.lines = columns, lines
        self._socket = [tmux, "-S", str(folder / "tmux"), "-f", "/dev/null"]
        self._seen = folder / "settings"
        self._shell = f"env PS1='{_PROMPT}' {shutil.which('sh')}"
        self._folder = folder
        self._open = False
        plain = environment(TERM="xterm-256color", LC_ALL="C.UTF-8", COLORTERM="truecolor", **more)
        # What stands for a terminal's size goes before the size that it has
        self._more = {name: value for name, value in plain.items() if name not in ("COLUMNS", "LINES")}

    def __enter__(self) -> "Tmux":
        size = ["-x", str(self.columns), "-y", str(self.lines)]
        self._tmux("new-session", "-d", *size, self._shell, ";", "set", "status", "off")
        self._open = True
        self._tmux("resize-window", *size)
        self.sees(_PROMPT.strip())
        self._before = self._how()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End tmux, and its terminal with it."""
        if self._open:
            self._open = False
            self._tmux("kill-server")

    def resize(self, columns: int, lines: int) -> None:
        """Give it another size, as a window that is dragged has."""
        self.columns, self.lines = columns, lines
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def programs(self) -> list[int]:
        """Return the numbers of the programs that the shell runs."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return [int(number) for number in Path(f"/proc/{shell}/task/{shell}/children").read_text().split()]

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            [*self._socket, *words],
            env=self._more,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def screen(self) -> list[str]:
        """Return the lines of the screen, without what is blank behind them."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").removesuffix("\n").split("\n")]

    def run(self, command: Sequence[str]) -> None:
        """Type a command; its end is waited for by ended()."""
        words = " ".join(f"'{word}'" for word in command)
        self.type(f"clear; {words}; echo status=$?")

    def type(self, line: str) -> None:
        """Type a line."""
        self._tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by tmux's names of them."""
        self._tmux("send-keys", *keys)

    def sees(self, *texts: str) -> list[str]:
        """Wait until all texts are on the screen; return its lines."""
        return self.until(lambda lines: all(text in "\n".join(lines) for text in texts), repr(texts))

    def reads(self, sentence: str) -> list[str]:
        """Wait until a sentence is on the screen, in full, on one line or several; return the screen's lines."""
        return self.until(lambda lines: sentence in " ".join(" ".join(lines).split()), repr(sentence))

    def until(self, condition: Callable[[list[str]], object], what: str) -> list[str]:
        """Wait for something on the screen; return its lines."""
        lines: list[str] = []

        def look() -> bool:
            lines[:] = self.screen()
            return bool(condition(lines))

        assert eventually(look), f"{what} did not come:\n" + "\n".join(lines)
        return lines

    def ended(self) -> int:
        """Wait for the end of the command that was run; return its status, or -1 where the terminal is not as it was."""
        lines = self.until(lambda seen: any(one.startswith("status=") for one in seen) and _waits(seen), "the shell")
        (status,) = [one.removeprefix("status=") for one in lines if one.startswith("status=")]
        return int(status) if self._how() == self._before else -1

    def _how(self) -> tuple[str, str]:
        """Return the screen that is in use, cursor, mouse and paste, and the line's settings."""
        self._seen.unlink(missing_ok=True)
        self.type(f"stty -a > '{self._seen}.new' && mv '{self._seen}.new' '{self._seen}'")
        assert eventually(self._seen.exists)
        return self._tmux("display-message", "-p", _STATE).strip(), self._seen.read_text()

    def coloured(self) -> str:
        """Return what is on the screen with its colours, as escape sequences."""
        return self._tmux("capture-pane", "-e", "-p").removesuffix("\n")


def _waits(lines: list[str]) -> bool:
    """Whether the shell waits for a command: its prompt is the last line, with nothing behind it."""
    return next((line for line in reversed(lines) if line), "") == _PROMPT.strip()
