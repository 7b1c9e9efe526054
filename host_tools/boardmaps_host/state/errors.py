"""What is wrong with a file that should have a board's state in it."""


class StateError(Exception):
    """A file, or the bytes of one, that cannot be used: the text says what, why, and what to do."""
