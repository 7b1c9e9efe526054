"""The cross tool chain and the emulator: which programs are needed, which Debian packages hold them."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from boardmaps_sim.chips.cache import BuildError, cache_root, run

# program or file (or a pattern of it) that proves a package → the package
_COMMON = {
    "make": "make",
    "cc": "gcc",
    "/usr/include/stdlib.h": "libc6-dev",  # gcc only recommends it, and a minimal Debian takes no recommendations
    "dpkg-source": "dpkg-dev",
    "xz": "xz-utils",
}
_ARM = {
    **_COMMON,
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "/usr/lib/arm-none-eabi/include/stdio.h": "libnewlib-arm-none-eabi",
}
# What the kernels in C are examined with on the computer: tests/kernels
TRUST = {
    "cc": "gcc",
    "/usr/include/stdlib.h": "libc6-dev",
    "clang": "clang",
    "/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a": "libclang-rt-dev",  # clang only recommends its sanitizers
    "frama-c": "frama-c-base",
}
# What exports and the view are tested with: tests/export, tests/top
ENGINES = {
    "/usr/sbin/mosquitto": "mosquitto",
    "prometheus": "prometheus",
    "/usr/sbin/bpftool": "bpftool",
    "tmux": "tmux",
    "chromium": "chromium",
    "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf": "fonts-dejavu-core",  # chromium only recommends fonts
}
NEEDS = {
    "qemu": {**_ARM, "qemu-system-arm": "qemu-system-arm"},
    "native": {
        **_ARM,
        "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",  # it compiles for 32 bits too
        "/usr/lib/picolibc/riscv64-unknown-elf/include/stdio.h": "picolibc-riscv64-unknown-elf",
    },
    "rv32": {
        **_COMMON,
        "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",  # it compiles for 32 bits too
        "/usr/lib/picolibc/riscv64-unknown-elf/include/stdio.h": "picolibc-riscv64-unknown-elf",
        "qemu-system-riscv32": "qemu-system-riscv32",  # provided by one package in Debian 12, by another in later ones
    },
    "pico": {
        **_ARM,
        "/usr/include/newlib/c++": "libstdc++-arm-none-eabi-newlib",
        # Python's own headers, for the emulator
        f"{sysconfig.get_path('include')}/Python.h": f"libpython{sys.version_info.major}.{sys.version_info.minor}-dev",
        "cmake": "cmake",
        "ninja": "ninja-build",
    },
}
# Debian keeps newlib's headers in one of these, by release
_ALSO = {"/usr/lib/arm-none-eabi/include/stdio.h": "/usr/include/newlib/stdio.h"}


def _there(proof: str) -> bool:
    if not proof.startswith("/"):
        return shutil.which(proof) is not None
    if "*" in proof:
        return any(Path("/").glob(proof[1:])) or shutil.which("apt-get") is None
    return Path(proof).exists() or Path(_ALSO.get(proof, proof)).exists() or shutil.which("apt-get") is None


def missing_packages(targets: list[str]) -> list[str]:
    """The Debian packages whose programs these targets (`pico`, `qemu`, `rv32`, `trust`, `engines`) need and this machine lacks."""
    needs = {**NEEDS, "trust": TRUST, "engines": ENGINES}
    return sorted({package for target in targets for proof, package in needs[target].items() if not _there(proof)})


def require_tools(target: str) -> None:
    """Raise BuildError naming the packages to install when the tool chain of `target` is not complete."""
    missing = missing_packages([target])
    if missing:
        raise BuildError(
            f"the {target} build needs {', '.join(missing)}, not found here. Run `make {target}-deps` as root, "
            f"or: apt-get install {' '.join(missing)}"
        )


def install_tools(targets: list[str]) -> list[str]:
    """Install what is missing with apt-get; return what was installed. Raises BuildError when that cannot be done."""
    missing = missing_packages(targets)
    if not missing:
        return []
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        raise BuildError(f"no apt-get here. Install these tools another way, then run this again: {', '.join(missing)}")
    if os.geteuid() != 0:
        raise BuildError(f"installing packages needs root. Run: sudo {' '.join(command)}")
    log = cache_root() / "logs" / "deps.log"
    # A fresh container has no package lists at all; an existing machine's are good enough if the packages are in them.
    known = subprocess.run(["apt-cache", "show", *missing], capture_output=True, check=False).returncode == 0
    if not known:
        run(["apt-get", "update"], log)
    waiting = ["-o", "DPkg::Lock::Timeout=600"]  # seconds, for another checkout, or whoever else installs something
    run(
        [*command, *waiting], log, env={"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    )  # no service of them is started
    return missing
