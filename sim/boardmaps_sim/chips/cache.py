"""Where downloads, builds and finished firmware live, and how a build knows that it is already done.

Downloads are shared by all checkouts, in the cache; builds are each checkout's own. The cache also has the image of each name
that was built last, for a boardmaps without a checkout and for a fresh checkout of the same files.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
FIRMWARE_OUT = PROJECT / "build" / "firmware"
CHIPS_OUT = PROJECT / "build" / "chips"


class BuildError(Exception):
    """A build that cannot be made; the text says what is missing and the command that gets it."""


def cache_root() -> Path:
    """The folder for downloads and builds, outside the clone: `$BOARDMAPS_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("BOARDMAPS_CACHE")
    if chosen:
        return Path(chosen)
    # saves start-up time: most calls need no such folder
    from platformdirs import user_cache_path

    return user_cache_path("boardmaps", appauthor=False)


@contextmanager
def locked(folder: Path, name: str) -> Iterator[None]:
    """Keep other processes that ask for this lock out; wait for the one that has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def firmware_image(name: str) -> Path:
    """The path of a built image: the checkout's, or without a checkout the one that was built last by any."""
    return (FIRMWARE_OUT if (PROJECT / "pyproject.toml").exists() else _shared_images()) / name


def _shared_images() -> Path:
    return cache_root() / "firmware"


def digest(parts: Iterable[str | Path]) -> str:
    """A key over strings and over the names and bytes of files and folders: equal inputs, equal key."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            total.update(part.encode() + b"\0")
            continue
        files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
        for file in files:
            if "__pycache__" not in file.parts:
                total.update(f"{file.relative_to(part.parent)}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def publish(image: Path, name: str, key: str) -> Path:
    """Copy a finished image to the checkout's build/firmware and to the cache; remember what it was made of."""
    _put(image, FIRMWARE_OUT, name, key)
    with locked(_shared_images(), "images"):
        _put(image, _shared_images(), name, key)
    return FIRMWARE_OUT / name


def published(name: str, key: str) -> Path | None:
    """The checkout's image of that name, taken from the cache if need be, if it was made from exactly these inputs."""
    if not _made_of(FIRMWARE_OUT, name, key):
        with locked(_shared_images(), "images"):
            if not _made_of(_shared_images(), name, key):
                return None
            _put(_shared_images() / name, FIRMWARE_OUT, name, key)
    return FIRMWARE_OUT / name


def _put(image: Path, folder: Path, name: str, key: str) -> None:
    """Copy an image into a folder in one step: a board that starts meanwhile reads the old one or the new one, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{name}.new"
    shutil.copyfile(image, fresh)
    (folder / f"{name}.key").unlink(missing_ok=True)  # until the new one is there, nothing is said of what this is
    fresh.replace(folder / name)
    (folder / f"{name}.key").write_text(key)


def _made_of(folder: Path, name: str, key: str) -> bool:
    stamp = folder / f"{name}.key"
    return (folder / name).exists() and stamp.exists() and stamp.read_text() == key


def forget_others(build: Path) -> None:
    """Remove this checkout's builds of other configurations of what `build` builds: the folder's name is <what>-<key>."""
    for other in build.parent.glob(f"{build.name.rpartition('-')[0]}-*"):
        if other.is_dir() and other != build:
            shutil.rmtree(other)


def run(command: list[str], log: Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run one build step with its output in `log`; on failure raise BuildError with the end of that log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"\n$ {' '.join(command)}\n".encode())
        out.flush()
        status = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
        ).returncode
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise BuildError(f"`{' '.join(command[:4])} …` ended with status {status}. The end of {log}:\n{tail}")
