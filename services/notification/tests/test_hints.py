"""What a hint carries, and when it carries nothing."""

import pytest
from notification.hints import ENTRIES_MAX, LENGTH_MAX, read_hint, write_hint
from notification.store.stream import Numbered


def entries(count: int, length: int) -> list[Numbered]:
    """Entries with so many characters of data together."""
    texts = ['"' + "값" * (length // count - 2) + '"' for _ in range(count)]
    return [Numbered(seq, "order", data) for seq, data in enumerate(texts, 41)]


@pytest.mark.parametrize(("count", "length"), [(1, 2), (1, LENGTH_MAX), (ENTRIES_MAX, 50 * ENTRIES_MAX)])
def test_entries_are_read_as_they_were_written(count: int, length: int) -> None:
    given = entries(count, length)
    assert read_hint(write_hint(given)) == given


@pytest.mark.parametrize(("count", "length"), [(1, LENGTH_MAX + 1), (ENTRIES_MAX + 1, 50 * ENTRIES_MAX)])
def test_too_much_is_only_a_hint_to_look(count: int, length: int) -> None:
    assert write_hint(entries(count, length)) == ""
    assert read_hint("") == []
