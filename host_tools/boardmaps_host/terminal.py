"""The one place where text that a board sent becomes text for a terminal.

A board decides what its prints, error texts and map names hold. A terminal obeys control characters: a sequence that begins
with ESC or with a C1 control sets its title, moves its cursor, fills the clipboard. The command passes all that it prints
through harmless(); the client's errors are harmless when they are turned into text, so that a traceback of Python is too.
"""

import sys


def harmless(text: str) -> str:
    """Return `text` with every character that is not printable written as its escape, as \\x1b; newline and tab stay.

    Invisible characters go too, among them those that turn the direction of writing round.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else _escaped(char) for char in text)


def one_line(text: str) -> str:
    """Return `text` harmless and on one line: newline and tab as escapes, too."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def replace_what_cannot_be_shown() -> None:
    """Have stdout print a ? for a character that its encoding lacks, an ASCII terminal's; stderr writes an escape by itself."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # what a test puts in its place may have none
        if reconfigure is not None:
            reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
