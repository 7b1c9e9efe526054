"""Put new files in the places of the old ones as one step, whatever cuts it off.

All that is new lies on the board already, verified, each file under its name and `.new`. If there is one file to rename, that is
the step. Else main.py is replaced, by one rename, with a program that does all renames and puts main.py back last. From that
rename on the switch is made: if the power goes, the board's next start runs that program and then starts again. Doing a part
of it twice does no harm.

While it is under way the package has no __init__: boot.py, which runs before main.py, cannot import a mixture of two versions.
"""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from .link import BoardLink, DeployError

NEW = ".new"  # the ending of a file that is not in use yet
_SWITCH = ".switch"  # the ending of the program that will be main.py
_MARK = "# boardmaps deploy was cut off here: this finishes it, puts your main.py back and starts the board again."
_AGAIN = "raise SystemExit\n"

# (source, target, condition): rename source; or without one remove the target, if there is such a file as `condition`.
_PROGRAM = """%s
import os
def there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False
for source, target, condition in %r:
    if source:
        if there(source):
            os.rename(source, target)
    elif there(target) and there(condition):
        os.remove(target)
"""
_COPY = """
def copy(source, target, buf=memoryview(bytearray(512))):
    with open(source, 'rb') as f, open(target, 'wb') as g:
        while True:
            n = f.readinto(buf)
            if not n:
                break
            g.write(buf[:n])
copy(%r, %r)
"""

Step = tuple[str, str, str]


@dataclass(frozen=True)
class Switch:
    """What is to be renamed and removed. `root` is where the board's files begin, `folder` the package's."""

    root: str
    folder: str
    changed: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def main(self) -> str:
        """The program that the board starts."""
        return posixpath.join(self.root, "main.py")

    @property
    def is_one_step(self) -> bool:
        """Whether there is but one file to rename or to remove."""
        return len(self.changed) + len(self.stale) <= 1

    def needs_init(self, files: Iterable[str]) -> str | None:
        """Return the package's __init__ when it has to be uploaded too though it has not changed, None when not."""
        init = next((path for path in files if _is_init(path, self.folder)), None)
        touched = any(path.startswith(self.folder + "/") for path in (*self.changed, *self.stale))
        return init if init is not None and touched and not self.is_one_step and init not in self.changed else None

    def steps(self, *, main_stays: bool) -> list[Step]:
        """Return the renames and removals in their order; main.py is last, and removed when there is none that `main_stays`."""
        inits = [path for path in self.changed if _is_init(path, self.folder)]
        modules = [path for path in self.changed if path.startswith(self.folder + "/") and path not in inits]
        others = [path for path in self.changed if path not in (*inits, *modules, self.main)]
        guard = inits[0] + NEW if inits else ""
        olds = [posixpath.join(self.folder, name) for name in ("__init__.py", "__init__.mpy")] if inits else []
        return [
            *(("", old, guard) for old in olds),
            *((path + NEW, path, "") for path in modules),
            *(("", path, path) for path in self.stale if path not in olds),
            *((path + NEW, path, "") for path in (*inits, *others)),
            (self.main + NEW, self.main, "") if main_stays else ("", self.main, self.main),
        ]

    def make(self, link: BoardLink) -> None:
        """Do it, after prepare()."""
        if self.is_one_step:
            single = [(path + NEW, path, "") for path in self.changed] + [("", path, path) for path in self.stale]
            link.execute(_PROGRAM % ("", single))
            return
        link.execute(f"import os\nos.rename({self.main + _SWITCH!r}, {self.main!r})")
        finish(link, self.root)

    def prepare(self, link: BoardLink) -> None:
        """Write the program that will be main.py, and a copy of the main.py that stays; nothing is in use yet."""
        if self.is_one_step:
            return
        present = link.sha256([self.main])[self.main]
        stays = self.main in self.changed or present is not None
        if present is not None and self.main not in self.changed:
            link.execute(_COPY % (self.main, self.main + NEW))
            if link.sha256([self.main + NEW])[self.main + NEW] != present:
                raise DeployError(
                    f"{link.port}: {self.main} could not be copied, so nothing was put in use. Run deploy again."
                )
        program = (_PROGRAM % (_MARK, self.steps(main_stays=stays)) + _AGAIN).encode()
        link.write(self.main + _SWITCH, program)
        if link.read(self.main + _SWITCH) != program:
            raise DeployError(
                f"{link.port}: {self.main + _SWITCH} did not arrive whole, so nothing was put in use. Run deploy again."
            )

    @property
    def leftovers(self) -> tuple[str, ...]:
        """What a deploy that was cut off before its switch may have left in the root."""
        return self.main + NEW, self.main + _SWITCH


def finish(link: BoardLink, root: str) -> bool:
    """Finish a switch that is under way, this deploy's or one that was cut off; return whether there was one."""
    main = posixpath.join(root, "main.py")
    if not link.execute(f"try:\n print(open({main!r}).readline())\nexcept OSError:\n pass").startswith(_MARK):
        return False
    program = link.read(main).decode()
    link.execute(program.removesuffix(_AGAIN))
    return True


def _is_init(path: str, folder: str) -> bool:
    return posixpath.dirname(path) == folder and posixpath.basename(path).startswith("__init__.")
