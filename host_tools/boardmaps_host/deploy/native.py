"""The native modules that came with boardmaps, and which a board can load: kernels in C, where its firmware has none."""

import importlib.resources
import json
from importlib.resources.abc import Traversable
from pathlib import Path

# What is built serves more processors than one: a Thumb processor runs the code of every lower one.
_BUILT_FOR = {
    **{arch: arch for arch in ("x64", "armv6m", "armv7m", "rv32imc", "xtensawin")},
    **dict.fromkeys(("armv7em", "armv7emsp", "armv7emdp"), "armv7m"),
}
IN_MODULES = "C, in native modules"
FILES = ("c_common.mpy", "c_others.mpy", "c_check.mpy")


class NoNative(Exception):
    """There are no native modules for a board; the text says why, and what gets them when something does."""


def native_modules(architecture: str | None) -> dict[str, bytes]:
    """Return the files for a processor, named as mpy-cross names it. Raises NoNative."""
    built_for = _BUILT_FOR.get(architecture or "")
    if built_for is None:
        raise NoNative(f"there are no native modules for {architecture or 'processors without native code'}")
    folder = _folder() / built_for
    get = f"`make native{' ARCH=xtensawin' * (built_for == 'xtensawin')}` in boardmaps' source builds them"
    if not all((folder / name).is_file() for name in FILES):
        raise NoNative(f"no native modules for {built_for} came with this boardmaps: {get}")
    if _are_stale(folder):
        raise NoNative(f"the native modules for {built_for} are older than their source: {get}")
    return {name: (folder / name).read_bytes() for name in FILES}


def kernels_of(architecture: str) -> str:
    """Say which kernels stock firmware for a processor gets, in the words of deploy's report."""
    try:
        native_modules(architecture)
    except NoNative as why:
        return f"viper: {why}"
    return IN_MODULES


def _folder() -> Traversable:
    """The modules: inside boardmaps_host when installed as a wheel, the checkout's build/native otherwise."""
    installed = importlib.resources.files("boardmaps_host") / "native"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[3] / "build" / "native"


def _are_stale(folder: Traversable) -> bool:
    """Whether a checkout's C sources have changed since. A wheel has no sources, and its modules are its own."""
    # saves start-up time, and is not needed where there is no checkout
    from boardmaps_sim.chips.native import SOURCES, made_of

    return SOURCES.is_dir() and json.loads((folder / "made_of.json").read_text())["sources"] != made_of()
