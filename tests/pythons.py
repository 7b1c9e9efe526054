"""Run the tests that the host's Python matters to on other CPythons: python tests/pythons.py [3.13 3.14] [-- pytest's arguments].

Each CPython comes with a small Debian of its own, made once by debootstrap in the cache folder and used through chroot,
with this checkout, /proc and /dev mounted in it where only that process sees them. Needs Linux, root and Debian's mirror.
"""

import argparse
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from boardmaps_sim.chips.cache import PROJECT, BuildError, cache_root, digest

# version → Debian's release, and what has to be installed there
RELEASES = {"3.13": ("trixie", "python3,python3-venv"), "3.14": ("sid", "python3.14,python3.14-venv")}
ALSO = "make,gcc,git,ca-certificates"
TESTS = ["tests/twin", "tests/link", "tests/client", "tests/cli"]
# As here, so that names are found and a proxy's certificate is known there
OF_THIS_MACHINE = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
SEEN = "/checkout"  # this checkout's path there


def main() -> int:
    """Run the tests on each CPython in turn; 1 when some fail, or with the reason when one cannot be had."""
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "versions", nargs="*", metavar="version", help=f"of {', '.join(RELEASES)}; all when none is given"
    )
    versions = parser.parse_args(arguments[:split]).versions or list(RELEASES)
    if unknown := set(versions) - set(RELEASES):
        parser.error(f"no CPython {', '.join(sorted(unknown))} here; there are {', '.join(RELEASES)}")
    failed = False
    for version in versions:
        try:
            root = _root_of(version)
        except BuildError as error:
            print(f"CPython {version}: {error}", file=sys.stderr)
            return 1
        begin = time.monotonic()
        done = inside(
            root, ["/venv/bin/python", "-m", "pytest", "-p", "no:cacheprovider", *(arguments[split + 1 :] or TESTS)]
        )
        print(
            f"CPython {version}: {'passed' if done == 0 else 'FAILED'} ({time.monotonic() - begin:.0f} s)", flush=True
        )
        failed |= done != 0
    return int(failed)


def debian(version: str) -> Path:
    """Return the folder of the Debian with this CPython; make it if it is missing. Raises BuildError when it cannot be had."""
    if version not in RELEASES:
        raise BuildError(f"no CPython {version} here; there are {', '.join(RELEASES)}")
    if sys.platform != "linux" or os.geteuid() != 0:
        raise BuildError("needs Linux and root, for chroot")
    if not shutil.which("debootstrap"):
        raise BuildError("needs debootstrap; apt-get install debootstrap")
    release, packages = RELEASES[version]
    folder = cache_root() / "pythons"
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / release
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            part = folder / f"{release}.part"
            shutil.rmtree(part, ignore_errors=True)
            _run(["debootstrap", "--variant=minbase", f"--include={packages},{ALSO}", release, str(part)])
            part.rename(root)
        for path in map(Path, OF_THIS_MACHINE):
            if path.exists():
                shutil.copyfile(path, root / path.relative_to("/"))
    return root


def _root_of(version: str) -> Path:
    """Return the folder of the Debian with this CPython and this checkout's dependencies; make what is missing."""
    begin = time.monotonic()
    root = debian(version)
    with (root.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = digest([PROJECT / "pyproject.toml"])
        ready = root / "venv" / "made-for"
        if not ready.exists() or ready.read_text() != wanted:
            install = f"python{version} -m venv --clear /venv && /venv/bin/pip install --quiet --editable '.[dev]'"
            if inside(root, ["sh", "-c", install]):
                raise BuildError(f"its packages cannot be installed in {root}")
            ready.write_text(wanted)
        print(f"CPython {version}: ready in {root} ({time.monotonic() - begin:.0f} s)", flush=True)
    return root


def inside(root: Path, command: list[str], folder: str = SEEN) -> int:
    """Run a command in that Debian, in this checkout or another folder; return its status."""
    (root / SEEN[1:]).mkdir(exist_ok=True)
    there = shlex.quote(str(root))
    script = (
        f"mount --bind /proc {there}/proc && mount --rbind /dev {there}/dev && "
        f"mount --bind {shlex.quote(str(PROJECT))} {there}{SEEN} && "
        f"exec chroot {there} sh -c {shlex.quote(f'cd {folder} && exec {shlex.join(command)}')}"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("BOARDMAPS_", "XDG_", "VIRTUAL_ENV"))}
    return subprocess.run(["unshare", "--mount", "sh", "-c", script], env=environment, check=False).returncode


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{command[0]} failed:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    raise SystemExit(main())
