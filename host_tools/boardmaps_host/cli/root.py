"""The command's groups."""

import rich_click as click

from . import (
    boards,
    check,
    completion,
    create,
    decode,
    demo,
    deploy,
    doctor,
    dump,
    export,
    flash,
    hub,
    key,
    listen,
    maps,
    new,
    options,
    pins,
    plan,
    plot,
    pool,
    postmortem,
    recording,
    sim,
    state,
    stubs,
    top,
    values,
)

click.rich_click.USE_MARKDOWN = False
click.rich_click.SHOW_ARGUMENTS = False


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    None, "-V", "--version", package_name="boardmaps", prog_name="boardmaps", message="%(prog)s %(version)s"
)
@options.json_flags
def boardmaps() -> None:
    """BPF-style maps for MicroPython boards: read and change a running board's maps, put boardmaps on a board.

    A board is named with --port: a serial port (/dev/ttyACM0, COM3, socket://HOST:PORT), one of mpremote's shortcuts
    (a0, u0), a simulated board (unix, pico, qemu), or twin, which is maps in this process and no board at all.
    """


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND...]")
@click.pass_context
def show_help(context: click.Context, words: tuple[str, ...]) -> None:
    """Explain the commands, or one of them: `help map dump` and `map help dump` are `map dump --help`."""
    group = context.parent.command_path.split()[1:] if context.parent else []
    with boardmaps.make_context("boardmaps", [*group, *words, "--help"]) as inner:
        boardmaps.invoke(inner)


maps.group.add_command(show_help)
maps.group.add_command(create.command)
boardmaps.add_command(show_help)
for command in (*dump.commands, listen.watch, *values.commands, *pins.commands):
    maps.group.add_command(command)
for command in (
    maps.group,
    listen.console,
    pool.command,
    decode.command,
    *state.commands,
    *recording.commands,
    pins.group,
    postmortem.command,
    plan.command,
    boards.command,
    deploy.command,
    flash.command,
    sim.command,
    demo.command,
    new.command,
    check.command,
    key.command,
    stubs.command,
    hub.command,
    hub.release,
    top.command,
    plot.command,
    export.group,
    doctor.command,
    completion.command,
):
    boardmaps.add_command(command)
