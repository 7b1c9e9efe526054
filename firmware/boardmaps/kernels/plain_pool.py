"""The pool's kernel in plain Python."""


def clear(view, size):
    """Set the first `size` bytes to zero."""
    for i in range(size):
        view[i] = 0
