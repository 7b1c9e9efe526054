"""Sources of a newer Debian suite through a private apt configuration: own lists, own cache, nothing installed.

The mirror is the one that the machine already uses, read from apt itself; signatures are checked with Debian's keyring.
"""

import os
import shutil
import subprocess
from pathlib import Path

from boardmaps_sim.chips.cache import BuildError, cache_root, run

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def system_mirror() -> str:
    """The address of the Debian archive that this machine's apt uses. Raises BuildError when there is none."""
    if shutil.which("apt-get") is None:
        raise BuildError("no apt-get on this machine")
    found = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    for line in found.stdout.splitlines():
        address, _, label = line.partition(" ")
        if label == "Debian":
            return address
    raise BuildError("apt's configuration names no Debian archive")


class PrivateSuite:
    """One suite of the archive, readable by apt with its own lists and cache under the cache folder."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.home = cache_root() / "apt" / suite
        self.log = cache_root() / "logs" / "deps.log"
        self._options = [
            "-o", f"Dir::Etc::sourcelist={self.home / 'sources.list'}",
            "-o", "Dir::Etc::sourceparts=-",
            "-o", f"Dir::State::lists={self.home / 'lists'}",
            "-o", f"Dir::Cache={self.home / 'cache'}",
        ]  # fmt: skip
        if os.geteuid() == 0:
            # apt would drop to a user who cannot write into root's own cache folder
            self._options += ["-o", "APT::Sandbox::User=root"]

    def update(self) -> None:
        """Fetch the suite's package lists (about 20 MB). Raises BuildError when the mirror does not carry it."""
        for folder in ("lists/partial", "cache/archives/partial"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
        entry = f"{signed}{system_mirror()} {self.suite} main\n"
        (self.home / "sources.list").write_text(f"deb {entry}deb-src {entry}")
        run(["apt-get", *self._options, "update"], self.log)

    def source(self, package: str, into: Path) -> str:
        """Download and unpack a source package (with Debian's patches) to `into`; return its version."""
        downloads = self._fresh(into.parent / f"{into.name}.src")
        run(["apt-get", *self._options, "source", "--download-only", package], self.log, cwd=downloads)
        description = next(downloads.glob("*.dsc"))
        shutil.rmtree(into, ignore_errors=True)
        run(["dpkg-source", "--no-check", "-x", description.name, str(into)], self.log, cwd=downloads)
        shutil.rmtree(downloads)
        return description.stem.partition("_")[2]

    def package(self, package: str, into: Path) -> str:
        """Download a binary package and unpack it (without installing) to `into`; return its version."""
        downloads = self._fresh(into.parent / f"{into.name}.deb")
        run(["apt-get", *self._options, "download", package], self.log, cwd=downloads)
        archive = next(downloads.glob("*.deb"))
        shutil.rmtree(into, ignore_errors=True)
        run(["dpkg-deb", "-x", archive.name, str(into)], self.log, cwd=downloads)
        shutil.rmtree(downloads)
        return archive.stem.split("_")[1]

    @staticmethod
    def _fresh(folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder
