"""A running board as somebody looks at it: what its maps hold, what changed lately, and edits. No terminal, no drawing.

tables.py has the content of one map, reading.py fetches it, edits.py writes cells, monitor.py does both in a thread of its own
at a steady rate. `boardmaps top` (boardmaps_host.top) and `boardmaps plot` draw what is here.
"""
