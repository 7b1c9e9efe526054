"""The command's groups."""

import rich_click as click

from . import boards, check, demo, deploy, flash, key, listen, maps, plan, pool, sim, values

click.rich_click.USE_MARKDOWN = False
click.rich_click.SHOW_ARGUMENTS = False


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="boardmaps", prog_name="boardmaps", message="%(prog)s %(version)s")
def boardmaps() -> None:
    """BPF-style maps for MicroPython boards: read and change a running board's maps, put boardmaps on a board.

    A board is named with --port: a serial port (/dev/ttyACM0, COM3, socket://HOST:PORT), one of mpremote's shortcuts
    (a0, u0), a simulated board (unix, pico, qemu), or twin, which is maps in this process and no board at all.
    """


for command in (listen.watch, *values.commands):
    maps.group.add_command(command)
for command in (
    maps.group,
    listen.console,
    pool.command,
    plan.command,
    boards.command,
    deploy.command,
    flash.command,
    sim.command,
    demo.command,
    check.command,
    key.command,
):
    boardmaps.add_command(command)
