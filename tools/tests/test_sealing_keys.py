"""An operator adds sealing keys, dies on the way, and calls again: whatever was sealed, its key is in the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.native import credentials, sealing_keys
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.ports import Ports

SERVICE = "auth"
NAME, FILE = sealing_keys.SEALING[SERVICE]
BOXES = 3


class Died(Exception):
    """The operator's command was killed."""


class Sealed:
    """What a service has sealed: for each box the key that opens it. It seals and moves by the newest of its file."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.boxes = self.keys[:1] * BOXES
        self.moves_left: int | None = None

    @property
    def keys(self) -> list[str]:
        return (self.layout.secrets / SERVICE / FILE).read_text().split()

    def reseal(self) -> int:
        older = [at for at, key in enumerate(self.boxes) if key != self.keys[0]]
        for at in older:
            if self.moves_left == 0:
                raise Died
            self.moves_left = None if self.moves_left is None else self.moves_left - 1
            self.boxes[at] = self.keys[0]
        return len(older)

    def rotate(self, note: Callable[[], object] = str) -> tuple[bool, int]:
        return sealing_keys.rotate(self.layout, SERVICE, self.reseal, note)


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    layout = Layout(tmp_path, Ports(base=38000))
    credentials.write_all(layout, credentials.Addresses.native(layout))
    return Sealed(layout)


@pytest.mark.requirement("R-53")
def test_three_in_a_row_and_only_the_newest_and_what_the_oldest_alone_can_make_are_needed(sealed: Sealed) -> None:
    oldest = sealed.keys
    for _ in range(3):
        assert sealed.rotate() == (True, BOXES)
        assert set(sealed.boxes) == {sealed.keys[0]}
        assert (sealed.keys[-1:], len(set(sealed.keys))) == (oldest, len(sealed.keys))
    assert len(sealed.keys) == 3, "the newest, the one before it, and the oldest"
    credentials.write_all(sealed.layout, credentials.Addresses.native(sealed.layout))
    assert set(sealed.boxes) == {sealed.keys[0]}, "the next start lays out the same"


@pytest.mark.requirement("R-53")
@pytest.mark.parametrize("moves", range(BOXES))
def test_one_that_died_among_the_boxes_is_brought_to_its_end_by_the_next_call(sealed: Sealed, moves: int) -> None:
    for _ in range(3):
        sealed.moves_left = moves
        with pytest.raises(Died):
            sealed.rotate()
        assert set(sealed.boxes) <= set(sealed.keys), "all can be read"
        sealed.moves_left = None
        assert sealed.rotate() == (False, BOXES - moves)
        assert set(sealed.boxes) == {sealed.keys[0]}


@pytest.mark.requirement("R-53", "R-57")
def test_what_cannot_be_written_down_is_not_done(sealed: Sealed) -> None:
    before = sealed.keys

    def note() -> None:
        raise StackError("the audit log cannot be reached")

    with pytest.raises(StackError):
        sealed.rotate(note)
    assert sealed.keys == before


@pytest.mark.requirement("R-53")
def test_one_that_died_before_the_file_was_exchanged_loses_nothing(
    sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, writes = sealing_keys.write_private, iter(range(9))

    def dies(*given: object, **how: object) -> None:
        if next(writes) == 1:
            raise Died
        write(*given, **how)  # type: ignore[arg-type]

    sealed.rotate()
    monkeypatch.setattr(sealing_keys, "write_private", dies)
    with pytest.raises(Died):
        sealed.rotate()
    monkeypatch.undo()
    assert set(sealed.boxes) <= set(sealed.keys)
    assert sealed.rotate() == (False, BOXES), "the key was remembered, and everything moves to it"
    assert set(sealed.boxes) == {sealed.keys[0]}


def test_a_stack_that_never_ran_has_no_keys_to_add_to(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="start it first"):
        sealing_keys.rotate(Layout(tmp_path, Ports(base=38000)), SERVICE, int, str)
