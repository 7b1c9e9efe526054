"""Put boardmaps on a board: the right files for it, only what changed, all of it or nothing, verified.

New files go beside the old ones under names that nothing imports, are hashed there by the board, and only then take
the old ones' places, in one step. A deploy that is cut off leaves the version that was there, or the new one.

More than 300 lines: the steps of a deploy, one behind the other.
"""

import ast
import contextlib
import posixpath
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from boardmaps.abi import VERSION

from ..boards import POOL_MAX, POOL_MIN, SIMULATORS, DefinitionError, find
from ..client.errors import LinkError
from ..client.repl import smaller_pool
from ..client.simulated import running
from ..share.release import released
from .app import App, Program, read_app
from .config import Settings, Wish, config_for
from .files import CompileError, Payload, Target, payload_for
from .link import BoardLink, BoardRaised, DeployError, full_sentence
from .switch import NEW, Switch, finish
from .upload import Progress, digest, remove, upload

__all__ = ["DeployError", "DeployReport", "deploy"]

# A frozen module's file is not there; what boot.py has imported from a file is found in any case.
_FROZEN = """
import os, sys
path = sys.path[:]
sys.path[:] = ['.frozen']
def frozen(name):
    try:
        module = __import__(name)
        os.stat(module.__file__)
    except ImportError:
        pass
    except OSError:
        return module
config = frozen('boardmaps_config')
version = getattr(frozen('boardmaps'), '__version__', '')
sys.path[:] = path
print((version, {n: getattr(config, n) for n in dir(config) if n in ('POOL_SIZE', 'GUARD', 'CPUS')}))
"""
# stm32 and nrf mount their flash at /flash, and have /flash/lib; what is below /rom cannot be written.
_PLACE = """
import os, sys
libs = [p for p in sys.path if p.endswith('/lib') and not p.startswith('/rom')]
lib = libs[0] if libs else '/lib'
print((lib, os.statvfs(lib[:-4] or '/')[0]))
"""

# What Ctrl-C leaves behind, from one moment of a deploy to the next.
_UNDISTURBED = "the board was not disturbed."
_ASKED = "nothing was written. A program that ran on the board may have been interrupted: RESET starts it again."
_AS_BEFORE = (
    "what the board had before is unchanged, and no program runs on it now. Run deploy again, or start "
    "what is there with RESET, or with Ctrl-D at its REPL."
)
_SWITCHING = "the board was putting the new files in place: it has the old version or the new one, whole, after RESET."
_IN_PLACE = (
    "all files are in place, and no program runs on the board now. Start it with RESET, or with Ctrl-D at its REPL."
)
_STARTED = "all files are in place, and the board was restarted."

_BOOT = 3.0  # seconds that a simulated board takes to boot on a busy computer


@dataclass(frozen=True, slots=True)
class DeployReport:
    """What a deploy did. Paths are the board's, `form` says .mpy and for which architecture, or .py and why.

    `kernels` says what moves the bytes of maps: C, viper or plain Python, and why no faster one. `board` is the name
    of the board's definition, if there was one; `config` says what became of boardmaps_config.py.
    """

    port: str
    machine: str
    micropython: str
    form: str
    kernels: str
    version: str
    board: str | None
    config: str
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    bytes_written: int
    seconds: float
    restarted: bool


def deploy(
    port: str,
    *,
    app: App | None = None,
    entry: str | None = None,
    app_path: str = "main.py",
    board: str | None = None,
    pool: int | None = None,
    reset: bool = True,
    timeout: float = 10.0,
    progress: Progress | None = None,
) -> DeployReport:
    """Put the firmware's modules into :/lib/boardmaps of the board at `port`, and the program `app` when given.

    `app` is a file, a folder, or a list of them. `entry` names the file that the board is to start, which goes to `app_path`; the
    others go beside it. The only file is the entry, and so is main.py where there is one. `timeout` is how long the board may take,
    in seconds, to answer and to run its boot.py. Where a port mounts its flash at /flash, that is :/flash/lib/boardmaps, and
    `app_path` is below :/flash.
    `port` is a serial port, an mpremote shortcut (a0, u0), or the name under which `boardmaps sim` runs a board (unix,
    pico). A program that runs on the board is interrupted, and the interpreter soft-reset; with `reset`, boot.py and
    main.py run again at the end, else the board is left at its REPL. `progress` is called with a board path, the files
    done so far and the files in all.

    `board` is the board's definition, a name of `boardmaps boards` or a .toml file, by itself the one for what the board
    says it is. Its pool, guard and CPUs go to :/lib/boardmaps_config.py, unless there is one that deploy did not write. `pool`
    is another size for the pool, in bytes. Raises DeployError, also when `app` was started and failed within a second; Ctrl-C
    raises KeyboardInterrupt with a sentence that says how the board is left.
    """
    left = [_UNDISTURBED]
    try:
        program = None if app is None else read_app(app, entry)
        if program is None and entry is not None:
            raise DeployError(f"the entry {entry} is a file of a program: name its files, or its folder, with --app.")
        wish = _wish(board, pool)
        device = _port_of(port, timeout)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(released(device))  # from programs that share it; they go on when this has ended
            except LinkError as error:
                raise DeployError(str(error)) from error
            return _deploy(device, program, app_path, wish, reset, timeout, progress, left)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped: {left[0]}") from None


def _deploy(
    port: str,
    program: Program | None,
    app_path: str,
    wish: Wish,
    reset: bool,
    timeout: float,
    progress: Progress | None,
    left: list[str],
) -> DeployReport:
    """Do it. `left` is told, as its only item, how the board would be left at that moment."""
    begun = time.monotonic()
    report = progress or (lambda _path, _done, _total: None)
    link = BoardLink(port, timeout)
    link.open()
    left[0] = _ASKED
    with link, _going_on(link, left, reset):
        left[0] = _AS_BEFORE
        target = link.probe()
        lib, block = _file_system(link)
        folder, root = posixpath.join(lib, "boardmaps"), posixpath.dirname(lib)
        finish(link, root)
        version, settings = _frozen(link)
        config = config_for(link, target, lib, settings, wish)
        payload = _payload(link, target, version)
        files = {posixpath.join(folder, name): content for name, content in payload.files.items()}
        files |= config.files
        if program is not None:
            files |= program.placed(app_path, root, folder)
        present = link.sha256(files)
        changed = {path: content for path, content in files.items() if present[path] != digest(content)}
        stale = [*(_stale(link, folder, files) if payload.files else []), *config.removed]
        if changed or stale:
            switch = Switch(root, folder, tuple(changed), tuple(stale))
            uploads = dict(changed)
            if init := switch.needs_init(files):
                uploads[init] = files[init]
                switch = replace(switch, changed=tuple(uploads))
            remove(link, list(switch.leftovers))
            _need_room(link, lib, block, uploads, 0 if switch.is_one_step else _for_the_switch(link, switch, block))
            upload(link, uploads, report)
            switch.prepare(link)
            left[0] = _SWITCHING
            switch.make(link)
            left[0] = _IN_PLACE
            link.soft_reset()  # so that the check below imports what was written, whatever boot.py had imported
        left[0] = _IN_PLACE
        version = _import_check(link)
        if reset:
            link.restart()
            left[0] = _STARTED
            if program is not None and (traceback := link.failure()):
                raise DeployError(
                    f"{link.port}: all files are in place, but the program failed when it was started:\n{traceback}"
                )
        return DeployReport(
            port=link.port,
            machine=target.machine,
            micropython=target.version,
            form=payload.form,
            kernels=payload.kernels,
            version=version,
            board=config.board,
            config=config.told,
            written=tuple(changed),
            unchanged=tuple(path for path in files if path not in changed),
            removed=tuple(stale),
            bytes_written=sum(map(len, changed.values())),
            seconds=time.monotonic() - begun,
            restarted=reset,
        )


@contextlib.contextmanager
def _going_on(link: BoardLink, left: list[str], reset: bool) -> Iterator[None]:
    """Have what ran on the board run again when the deploy is refused before it has changed anything."""
    try:
        yield
    except DeployError as error:
        if not reset or left[0] is not _AS_BEFORE:
            raise
        try:
            link.restart()
        except DeployError:
            raise error from None
        raise DeployError(f"{error} The board was restarted with what it had.") from error


def _wish(board: str | None, pool: int | None) -> Wish:
    """Return what the options ask for, before the board is disturbed."""
    if pool is not None and (not POOL_MIN <= pool <= POOL_MAX or pool % 8):
        raise DeployError(f"the pool cannot have {pool} bytes: give a multiple of 8 from {POOL_MIN} to {POOL_MAX}.")
    try:
        return Wish(None if board is None else find(board), pool)
    except DefinitionError as error:
        raise DeployError(str(error)) from error


def _frozen(link: BoardLink) -> tuple[str, Settings]:
    """Return the version of boardmaps in the board's firmware, "" when there is none, and what its frozen config says."""
    version, settings = ast.literal_eval(link.execute(_FROZEN))
    return version, settings


def _payload(link: BoardLink, target: Target, frozen: str) -> Payload:
    """The modules for this board: none when its firmware has them, for what is frozen in goes before what is in :/lib."""
    if frozen == VERSION:
        return Payload({}, "part of its firmware", "C, in its firmware" if target.in_c else "viper, in its firmware")
    if frozen:
        raise DeployError(
            f"{link.port}: boardmaps {frozen} is frozen into this board's firmware and goes before what deploy could write; "
            f"this is {VERSION}. Build the firmware anew, with firmware/manifest.py."
        )
    try:
        return payload_for(target)
    except CompileError as error:
        raise DeployError(f"{error}. The firmware's source has a mistake that no board could run.") from error


def _port_of(target: str, timeout: float) -> str:
    """Return the port that `target` means: a simulator's name is the board that `boardmaps sim` runs under it.

    One that is being started this moment, as by `boardmaps sim &` in the line before, is waited for.
    """
    if target == "twin":
        raise DeployError("the twin is this computer and has boardmaps. Name a board: --port PORT, unix or pico.")
    if target not in SIMULATORS and not running(target):
        return target
    # saves start-up time: only a simulated board needs it
    from boardmaps_sim.base import BoardError
    from boardmaps_sim.unix import default_port

    try:
        port = default_port(target)
    except BoardError as error:
        raise DeployError(str(error)) from error
    end = time.monotonic() + min(timeout, _BOOT)
    while not port.exists() and time.monotonic() < end:
        time.sleep(0.05)
    if not port.exists():
        raise DeployError(f"no simulated board {target} is running. Start one: boardmaps sim --board {target}")
    return str(port)


def _file_system(link: BoardLink) -> tuple[str, int]:
    """Return the folder for modules, as mip chooses it, and the size of a flash block in bytes; raise when none is."""
    lib, block = "", 0
    with contextlib.suppress(BoardRaised):
        lib, block = ast.literal_eval(link.execute(_PLACE))
    if not block:
        raise DeployError(
            f"{link.port}: this board has no file system, so nothing can be deployed to it. Freeze boardmaps into its "
            f"firmware with firmware/manifest.py, or format its flash (its port's documentation says how)."
        )
    return lib, block


def _stale(link: BoardLink, folder: str, files: dict[str, bytes]) -> list[str]:
    """Return the modules that this version has not, among them a .py beside our .mpy; leftovers go at once."""
    present = link.listing(folder) or []
    remove(link, [path for path in present if path.endswith(NEW)])
    return [path for path in present if path.endswith((".py", ".mpy")) and path not in files]


def _for_the_switch(link: BoardLink, switch: Switch, block: int) -> int:
    """Return the bytes of flash for the copy of main.py and for the program that makes the switch."""
    size = int(link.execute(f"import os\ntry:\n print(os.stat({switch.main!r})[6])\nexcept OSError:\n print(0)"))
    return -(-size // block) * block + -(-len(repr(switch.steps(main_stays=True))) // block) * block


def _need_room(link: BoardLink, lib: str, block: int, changed: dict[str, bytes], more: int) -> None:
    needed = sum(-(-len(content) // block) * block for content in changed.values()) + more
    free = block * int(link.execute(f"import os\nprint(os.statvfs({posixpath.dirname(lib)!r})[3])"))
    if needed > free:
        raise DeployError(full_sentence(link.port, f"{needed} bytes are needed beside the old files, {free} are free"))


def _import_check(link: BoardLink) -> str:
    try:
        return link.execute("import boardmaps\nprint(boardmaps.__version__)").strip()
    except BoardRaised as error:
        todo = smaller_pool(link.port, error.last_line) or "Is its MicroPython old?"
        raise DeployError(
            f"{link.port}: all files are in place, but `import boardmaps` raises {error.last_line}. {todo}"
        ) from error
