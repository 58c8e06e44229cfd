"""Decision records are numbered without gaps, fit on a page, and end with the check that keeps them."""

from pathlib import Path

import pytest

PAGE_LINES = 60
RECORDS = sorted((Path(__file__).resolve().parents[2] / "docs/decisions").glob("*.md"))


def test_records_are_numbered_without_gaps() -> None:
    assert [record.name[:5] for record in RECORDS] == [f"{number:04}-" for number in range(1, len(RECORDS) + 1)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_a_record_is_one_page_that_ends_with_the_check_that_keeps_it(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(record.name[:4])}. ")
    assert len(text.splitlines()) <= PAGE_LINES
    assert text.rstrip().split("\n\n")[-1].startswith("Kept by: ")
