"""What docs/terraform.md says of names and backends is what the code does."""

from __future__ import annotations

from pathlib import Path

from dativo_infra.platforms.terraform.inputs import TABLE, Input

PAGE = Path(__file__).parents[3] / "docs" / "terraform.md"


def cells(entry: Input) -> list[str]:
    """Return the cells of an entry's row."""
    names = ([entry.path], [entry.aws], [entry.gcp], entry.also)
    return [", ".join(f"`{name}`" for name in cell if name) for cell in names]


def test_the_page_has_the_table_of_names() -> None:
    """Each row of the table is on the page, in its order, and no other."""
    _, _, after = PAGE.read_text().partition("| of the job |")
    rows = [line for line in after.partition("\n\n")[0].splitlines()[2:] if line]
    found = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert found == [cells(entry) for entry in TABLE]
