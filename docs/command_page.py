"""The page of the command, from the command's own help."""

from collections.abc import Iterator

import click

from boardmaps.abi import VERSION
from boardmaps_host.cli.root import boardmaps

_HEAD = """# The command

Made from `boardmaps --help` and the help of each command; this is version {version}. `-h` and `--help` go with every command,
`boardmaps help` shows the same.

The exit status is 0 when all is done, 1 when something was refused, failed or is not there, and 2 for words that are wrong.
After Ctrl-C it is 130, but 0 of `export`, `record` and `sim`, which are ended so.
"""
_SHOWN_ONCE = {"--help"}


def text() -> str:
    """Return the page."""
    return _HEAD.format(version=VERSION) + "".join(_sections(boardmaps, "boardmaps", None))


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    path = context.command_path
    yield f"\n## {path}\n\n```text\n{path} {' '.join(command.collect_usage_pieces(context))}\n```\n\n"
    for paragraph in (command.help or "").replace("\b\n", "\n").split("\n\n"):
        lines = [_plain(line) for line in paragraph.strip("\n").split("\n")]
        yield "  \n".join(lines) + "\n\n" if "\b" in (command.help or "") else " ".join(lines) + "\n\n"
    options = [record for one in command.get_params(context) if (record := one.get_help_record(context))]
    options = [record for record in options if not any(word in record[0] for word in _SHOWN_ONCE)]
    if options:
        yield "| option | |\n| --- | --- |\n"
        yield "".join(f"| `{option}` | {_plain(' '.join(words.split()))} |\n" for option, words in options)
    if isinstance(command, click.Group):
        for word in command.list_commands(context):
            inner = command.get_command(context, word)
            if inner is not None and not inner.hidden and word != "help":
                yield from _sections(inner, word, context)


def _plain(words: str) -> str:
    """Return words of a help text so that Markdown shows them as they are."""
    for sign in ("\\", "*", "_", "<", "[", "]", "|", "#"):
        words = words.replace(sign, f"\\{sign}" if sign != "<" else "&lt;")
    return words.strip()
