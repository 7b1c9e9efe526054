"""What a board keeps on its file system over resets: where it lies, and what the pool and the server have to know of it.

The pool asks there() for each named map that is made; the rest of this folder is loaded when there is something, or when the
program asks for it. KEPT in boardmaps_config.py is the folder; None keeps nothing.
"""

import os

from ..settings import setting

FOLDER = setting("KEPT", "/boardmaps_kept")
turn = None  # a function that a server calls each turn: pins.py has one when a map is to be pinned every so often
pinned = {}  # by name: what is known of a map that has a pin, load.Pinned


def path(file):
    """Return where a file of this name lies."""
    return "%s/%s" % (FOLDER, file)


def there(file):
    """Return whether a file of this name is kept."""
    try:
        os.stat(path(file))
    except OSError:
        return False
    return FOLDER is not None


def suspended():
    """Return whether nothing is loaded in this boot: the program crashed too often, and nobody has acknowledged that yet."""
    return there("suspended")


def said():
    """Return the number of pins of this boot's maps, which HELLO tells: a host asks about pins where there are some."""
    return len(pinned)
