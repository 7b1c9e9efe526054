"""Where downloads, builds and finished firmware live, and how a build knows that it is already done."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
FIRMWARE_OUT = PROJECT / "build" / "firmware"


class BuildError(Exception):
    """A build that cannot be made; the text says what is missing and the command that gets it."""


def cache_root() -> Path:
    """The folder for downloads and builds, outside the clone: `$BOARDMAPS_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("BOARDMAPS_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "boardmaps"


def firmware_image(name: str) -> Path:
    """The path of a built image: in the clone's build/firmware, or in the cache when it is not there."""
    built = FIRMWARE_OUT / name
    return built if built.exists() else cache_root() / "firmware" / name


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
    """Copy a finished image into the cache and the clone's build/firmware; remember what it was made of."""
    for folder in (cache_root() / "firmware", FIRMWARE_OUT):
        folder.mkdir(parents=True, exist_ok=True)
        if image != folder / name:
            shutil.copyfile(image, folder / name)
        (folder / f"{name}.key").write_text(key)
    return FIRMWARE_OUT / name


def published(name: str, key: str) -> Path | None:
    """The image of that name, restored from the cache if need be, if it was made from exactly these inputs."""
    for folder in (FIRMWARE_OUT, cache_root() / "firmware"):
        stamp = folder / f"{name}.key"
        if (folder / name).exists() and stamp.exists() and stamp.read_text() == key:
            return folder / name if folder == FIRMWARE_OUT else publish(folder / name, name, key)
    return None


def forget_others(build: Path) -> None:
    """Remove the builds of other configurations of what `build` builds: the folder's name is <what>-<key>."""
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
