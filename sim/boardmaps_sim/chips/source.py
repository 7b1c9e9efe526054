"""Which MicroPython is built, and where its source tree is.

`$MICROPYTHON_DIR` (a checkout with its submodules) wins; else the newest of Debian's source packages that the machine's
mirror carries, completed with Debian's pico-sdk, TinyUSB and mbedTLS, in the cache.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from boardmaps_sim.chips.cache import CHIPS_OUT, BuildError, cache_root, digest, locked, run
from boardmaps_sim.chips.debian import PrivateSuite

# Newest first; 1.26 is where machine.Timer(hard=True) begins on the RP2040. trixie's 1.25 still builds and boots.
SUITES = ("forky", "sid", "trixie")
TAG = "v1.26.1"
_CHECKOUT = (
    f"git clone --depth 1 --branch {TAG} https://github.com/micropython/micropython && "
    "make -C micropython/ports/rp2 BOARD=RPI_PICO submodules && export MICROPYTHON_DIR=$PWD/micropython"
)


@dataclass(frozen=True)
class Source:
    """A MicroPython source tree that is ready to build, and the version that names its builds.

    One of the user's `own` may change at any time: what is built from it is never taken for up to date.
    """

    tree: Path
    version: str
    own: bool = False

    @property
    def builds(self) -> Path:
        """The folder for this checkout's builds of this version."""
        return CHIPS_OUT / self.version

    @property
    def tools(self) -> Path:
        """The folder for what builds of this version share: it depends on nothing else."""
        return cache_root() / "builds" / self.version

    @property
    def micropython_lib(self) -> Path:
        """A micropython-lib folder: the tree's own, or an empty one that satisfies a build that needs nothing of it."""
        own = self.tree / "lib" / "micropython-lib"
        if (own / "README.md").exists():
            return own
        empty = self.tools / "micropython-lib"
        empty.mkdir(parents=True, exist_ok=True)
        (empty / "README.md").touch()
        return empty


def find_source() -> Source:
    """The source tree to build from. Raises BuildError with the commands that get one."""
    chosen = os.environ.get("MICROPYTHON_DIR")
    if chosen:
        tree = Path(chosen).resolve()
        if not (tree / "py" / "mpconfig.h").exists():
            raise BuildError(f"MICROPYTHON_DIR={chosen} is no MicroPython source tree. To get one: {_CHECKOUT}")
        return Source(tree, f"{_tree_version(tree)}-own-{digest([str(tree)])}", own=True)
    marker = cache_root() / "source" / "version"
    if not marker.exists():
        raise BuildError(f"MicroPython's source is not here yet. Run `make pico-deps qemu-deps`, or: {_CHECKOUT}")
    return Source(cache_root() / "source" / "micropython", marker.read_text())


def fetch_source() -> Source:
    """find_source(), fetching it from Debian first if need be. Raises BuildError with the reason of every suite."""
    try:
        return find_source()
    except BuildError:
        if os.environ.get("MICROPYTHON_DIR"):
            raise
    reasons = []
    with locked(cache_root(), "source"):
        if (cache_root() / "source" / "version").exists():
            return find_source()  # another checkout was here first
        for suite in SUITES:
            try:
                return _from_debian(PrivateSuite(suite))
            except BuildError as error:
                reasons.append(f"{suite}: {error}")
    raise BuildError(
        "no suite of this machine's mirror has MicroPython. " + "\n".join([*reasons, f"Instead: {_CHECKOUT}"])
    )


def mpy_cross(source: Source) -> Path:
    """The cross compiler of the tree, built outside it if it is not there yet: frozen code must match its version."""
    build = source.tools / "mpy-cross"
    with locked(source.tools, "mpy-cross"):
        if not (build / "mpy-cross").exists():
            folder = str(source.tree / "mpy-cross")
            run(["make", "-C", folder, "-j2", f"BUILD={build}", "USER_C_MODULES="], source.tools / "mpy-cross.log")
    return build / "mpy-cross"


def _from_debian(suite: PrivateSuite) -> Source:
    suite.update()
    home = cache_root() / "source"
    shutil.rmtree(home, ignore_errors=True)
    tree = home / "micropython"
    version = suite.source("micropython", tree)
    # Debian leaves the submodules out; what this build needs of them are packages of their own.
    for package, inside, place in (
        ("pico-sdk-source", "usr/src/pico-sdk", "pico-sdk"),
        ("tinyusb-source", "usr/src/tinyusb", "tinyusb"),
    ):
        suite.package(package, home / package)
        _overlay(_folder_with(home / package / inside, "src"), tree / "lib" / place)
    suite.source("mbedtls", home / "mbedtls")
    _overlay(home / "mbedtls", tree / "lib" / "mbedtls")
    (home / "version").write_text(re.sub(r"[^0-9A-Za-z.]+", "-", version))
    return find_source()


def _overlay(content: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    shutil.move(content, place)
    (place / "README.md").touch()  # the port's cmake takes a submodule without one for absent


def _folder_with(start: Path, child: str) -> Path:
    """The folder at or just below `start` that has `child` in it: Debian's packages differ in one level."""
    for folder in (start, *sorted(start.glob("*"))):
        if (folder / child).is_dir():
            return folder
    raise BuildError(f"{start} has no {child} folder; the Debian package changed its layout")


def _tree_version(tree: Path) -> str:
    config = (tree / "py" / "mpconfig.h").read_text()
    return ".".join(re.findall(r"#define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", config))
