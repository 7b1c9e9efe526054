"""Boards watched from outside: their typed values, read again and again, given to files, to Prometheus, to an MQTT broker.

reading.py reads what a board's typed maps hold in one go, with a health record. poller.py does that for one board in a thread of
its own, at an interval or when asked, connects again after the board went, and carries out writes between two readings. Neither
knows what becomes of the values. The outputs are modules beside them, each of which imports the library that it needs, so that
nothing else does.
"""


class ExportError(Exception):
    """An output that cannot be had; the text says why, and what to do."""
