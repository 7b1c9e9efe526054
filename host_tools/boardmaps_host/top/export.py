"""What is seen of a map as a file of comma-separated values."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

from boardmaps.schema import Field
from boardmaps_host.live.tables import Row, Table


def export(table: Table, rows: Sequence[Row], fields: Sequence[Field | None], folder: Path | None = None) -> Path:
    """Write rows and fields of a table to a new file in `folder`, the working folder if none; return its name. Raises OSError."""
    begin = f"boardmaps-{table.name.replace(' ', '-') or 'map'}-{time.strftime('%Y%m%d-%H%M%S')}"
    where = folder or Path()
    path = next(p for n in range(1000) if not (p := where / f"{begin}{f'-{n}' if n else ''}.csv").exists())
    with path.open("x", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["key" if table.keyed else "#", *("data" if f is None else _title(f) for f in fields)])
        for row in rows:
            lines.writerow([row.label, *(table.text(row, field) for field in fields)])
    return path


def _title(field: Field) -> str:
    return f"{field.name} [{field.unit}]" if field.unit else field.name
