"""`boardmaps help`: what --help says, by the word."""

from .drawing import click


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND...]")
@click.pass_context
def show_help(context: click.Context, words: tuple[str, ...]) -> None:
    """Explain the commands, or one of them: `help map dump` and `map help dump` are `map dump --help`."""
    group = context.parent.command_path.split()[1:] if context.parent else []
    boardmaps = context.find_root().command
    with boardmaps.make_context("boardmaps", [*group, *words, "--help"]) as inner:
        boardmaps.invoke(inner)
