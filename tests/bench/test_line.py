"""What the wire allows at 115,200 baud, under a clock of its own: the same on every machine, so the reach must be kept."""

from bench.line import at_115200


def test_the_line_at_115200_baud() -> None:
    rows = at_115200()
    assert len(rows) == 6
    assert [row for row in rows if not row.met] == []
