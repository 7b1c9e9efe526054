"""The edits of a view: those that are staged, to be written together, and those that are being written.

A cell is known by its map's name (an unnamed one's id), its key and its field.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from boardmaps.errors import KeyNotFound
from boardmaps.schema import Field
from boardmaps_host.live.edits import Changed, Edit, Together, content, edited, may_edit, stepped
from boardmaps_host.live.monitor import Shown
from boardmaps_host.live.tables import Row, Table

Place = tuple[str, bytes, str]


class Staging:
    """What is staged while `on`, by its place."""

    def __init__(self) -> None:
        self.on = False
        self._edits: dict[Place, tuple[Table, Edit]] = {}
        self._sent: dict[Place, bytes] = {}  # what is being written: the next step goes on from there

    def __len__(self) -> int:
        return len(self._edits)

    def unwritten(self) -> str:
        """Return a sentence on what would be lost now, "" where nothing would."""
        many = len(self)
        return f"{many} staged edit{' is' if many == 1 else 's are'} not written." if many else ""

    def of(self, table: Table, row: Row, field: Field | None) -> Edit | None:
        """Return what is staged for a cell."""
        found = self._edits.get((table.name, row.key, field.name)) if field is not None else None
        return found[1] if found is not None else None

    def stage(self, table: Table, edit: Edit) -> None:
        """Keep an edit until it is written, in place of the one before of its cell."""
        self._edits[table.name, edit.key, edit.field.name] = table, edit

    def drop(self, table: Table, row: Row, field: Field | None) -> bool:
        """Forget what is staged for a cell; return whether there was something."""
        return field is not None and self._edits.pop((table.name, row.key, field.name), None) is not None

    def step(self, table: Table, row: Row, field: Field | None, steps: int) -> Edit | None:
        """Return an edit that goes some steps further from what is staged or being written, else from what a cell has.

        None where nothing is to be written then: what is staged is dropped. Raises NotPermitted, InvalidValue.
        """
        may_edit(table, field)
        assert field is not None
        staged = self.of(table, row, field)
        base = staged.base if staged else self._sent.get((table.name, row.key, field.name), content(row, field))
        text = stepped(field, staged.new if staged else base, steps)
        edit = edited(table, row, field, text, base) if text is not None else None
        if edit is None and text is not None:
            self.drop(table, row, field)
        return edit

    def together(self, find: Callable[[str], Shown | None]) -> list[Together]:
        """Return all that is staged, by entries. `find` gives a map by its name. Raises KeyNotFound for one that is gone."""
        entries: dict[tuple[str, bytes], Together] = {}
        for (name, key, _), (table, edit) in self._edits.items():
            shown = find(name)
            if shown is None or shown.info.definition != table.definition:
                raise KeyNotFound(f"{name}: the board has no such map any more; u drops what is staged for it")
            entries.setdefault((name, key), Together(shown.map, shown.table, [])).edits.append(edit)
        return list(entries.values())

    def sending(self, entries: Iterable[Together]) -> None:
        """Take note of what is being written."""
        for one in entries:
            for edit in one.edits:
                self._sent[one.table.name, edit.key, edit.field.name] = edit.new

    def done(self, entries: Iterable[Together], error: Exception | None) -> bool:
        """See what has come of writing: what was written is staged no more. Of a cell that somebody else has changed the next
        edit is written all the same: then it returns True.
        """
        again = False
        for one in entries:
            for edit in one.edits:
                place = one.table.name, edit.key, edit.field.name
                if self._sent.get(place) == edit.new:
                    del self._sent[place]
                staged = self._edits.get(place)
                if staged is None or staged[1] != edit:
                    continue
                if error is None:
                    del self._edits[place]
                elif isinstance(error, Changed) and error.edit is edit:
                    self._edits[place] = staged[0], replace(edit, anyway=True)
                    again = True
        return again
