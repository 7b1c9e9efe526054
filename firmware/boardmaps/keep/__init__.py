"""What a board keeps on its file system over resets: where it lies, and what the pool and the server have to know of it.

The pool asks there() for each named map that is made; the rest of this folder is loaded when there is something, or when the
program asks for it. KEPT in boardmaps_config.py is the folder; None keeps nothing.
"""

import os

from ..settings import setting

FOLDER = setting("KEPT", "/boardmaps_kept")
turns = []  # functions that a server calls each turn, when a map is to be pinned every so often, or a run to be timed
crashed = False  # whether this boot has put a crash into a ring
pinned = {}  # by name: what is known of a map that has a pin, load.Pinned


def path(file):
    """Return where a file of this name lies."""
    return "%s/%s" % (FOLDER, file)


def there(file):
    """Return whether a file of this name is kept."""
    if FOLDER is None:
        return False
    try:
        os.stat(path(file))
    except OSError:
        return False
    return True


# Whether this boot loads and adopts nothing: the program crashed too often, one time soon after the other
suspended = there("suspended")


def write(file, parts):
    """Write a file anew, in one step on littlefs: it has the old content, or all of the parts. Raises OSError."""
    for _ in writing(file, parts):
        pass


def writing(file, parts):
    """Do what write() does, giving way behind each part. What a part raises leaves the old content, too."""
    if FOLDER is None:
        raise OSError("boardmaps_config.KEPT is None")
    if not there("."):
        os.mkdir(FOLDER)
    new = path(file + ".new")
    try:
        with open(new, "wb") as made:
            for part in parts:
                if made.write(part) != len(part):
                    raise OSError(28)
                yield
        yield
        os.rename(new, path(file))
    except BaseException:
        try:
            os.remove(new)
        except OSError:
            pass
        raise
    if hasattr(os, "sync"):  # ports whose block devices keep writes back
        os.sync()


def take_turns():
    """Do what is due now and then; a server calls it each turn where there is something."""
    for turn in list(turns):
        turn()


def pins_said():
    """Return the number of pins of this boot's maps, which HELLO tells: a host asks about pins where there are some."""
    return len(pinned)


def crash_said():
    """Return whether a crash is on record, which HELLO tells: a host then asks for it."""
    return int(crashed or there("first.crash"))
