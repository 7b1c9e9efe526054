"""`boardmaps top`: a board on the whole terminal, by Textual. What it shows, and what it changes, is in boardmaps_host.live.

app.py has the keys and puts the widgets together; grid.py draws a map's content, maplist.py the maps, editor.py takes an edit of a
cell, panel.py shows one more thing below. Imported by the command alone: Textual takes a tenth of a second.
"""
