"""The command's groups."""

from . import options
from .drawing import click
from .later import Group

_COMMANDS = {
    "boards": ("boards:command", "List the boards, or tell all about one."),
    "check": ("check:command", "Type-check a program against a profile."),
    "completion": ("completion:command", "Have your shell complete this command's words."),
    "console": ("listen:console", "Show what the firmware prints."),
    "decode": ("decode:command", "Show the maps in a file: a dump of memory, a pool."),
    "demo": ("demo:command", "Boot a simulated board, watch and change its maps."),
    "deploy": ("deploy:command", "Put boardmaps, and a program, on a board."),
    "diff": ("state:diff", "Show what has changed since a snapshot."),
    "doctor": ("doctor:command", "Look at a board from the port upwards; say what to do."),
    "export": ("export:group", "Give values to files, Prometheus or an MQTT broker."),
    "flash": ("flash:command", "Write MicroPython onto a board."),
    "help": ("usage:show_help", "Explain the commands, or one of them."),
    "hub": ("hub:command", "Show which boards are shared, and by whom."),
    "key": ("key:command", "Make a key for a board's locked line."),
    "map": ("maps:group", "Show, create, read and change maps."),
    "new": ("new:command", "Make a project: typed maps and their tests."),
    "pin": ("pins:group", "Show which maps a board keeps on its file system."),
    "plan": ("plan:command", "Tell how many bytes of a pool maps will take."),
    "plot": ("plot:command", "Plot numbers in the terminal, as they come."),
    "pool": ("pool:command", "Show how much of a board's pool is taken."),
    "postmortem": ("postmortem:command", "Show the crashes that a board has on record."),
    "record": ("recording:record", "Record what the firmware does to its maps."),
    "release": ("hub:release", "Have a shared port for another program."),
    "replay": ("recording:replay", "Do again what was recorded, on another target."),
    "restore": ("state:restore", "Have maps hold what those of a snapshot do."),
    "sim": ("sim:command", "Run a simulated board until Ctrl-C."),
    "snapshot": ("state:snapshot", "Write maps to a file, while the program runs on."),
    "stubs": ("stubs:command", "Write Python stubs of a board's typed maps."),
    "top": ("top:command", "Show a running board, live, and change it by name."),
}


@click.group(cls=Group, later=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    None, "-V", "--version", package_name="boardmaps", prog_name="boardmaps", message="%(prog)s %(version)s"
)
@options.json_flags
def boardmaps() -> None:
    """BPF-style maps for MicroPython boards: read and change a running board's maps, put boardmaps on a board.

    A board is named with --port: a serial port (/dev/ttyACM0, COM3, socket://HOST:PORT), one of mpremote's shortcuts
    (a0, u0), a simulated board (unix, pico, qemu), or twin, which is maps in this process and no board at all.
    """
