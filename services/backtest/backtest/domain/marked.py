"""A tree of texts that know where they stand in their file, so that a mistake can be pointed at."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite


class Unreadable(Exception):
    """What keeps a file from being read; line and column count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


@dataclass(frozen=True, slots=True)
class Marked:
    """A text, a list, a table, or nothing, and where it begins."""

    line: int
    column: int
    value: "str | list[Marked] | dict[str, Marked] | None"

    def refused(self, message: str) -> Unreadable:
        """What to raise about this."""
        return Unreadable(self.line, self.column, message)

    def table(self, known: Iterable[str] | None = None) -> "dict[str, Marked]":
        """This as a table. Unreadable for anything else, and for a name that is not known."""
        if not isinstance(self.value, dict):
            raise self.refused("here a table of names and values is wanted")
        names = None if known is None else sorted(known)
        for name, each in self.value.items():
            if names is not None and name not in names:
                raise each.refused(f"{name} is not known here; known are {', '.join(names)}")
        return self.value

    def items(self) -> "list[Marked]":
        """This as a list."""
        if not isinstance(self.value, list):
            raise self.refused("here a list is wanted")
        return self.value

    def text(self) -> str:
        """This as a text that says something."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refused("here a text is wanted")
        return self.value.strip()

    def number(self) -> float:
        """This as a number."""
        try:
            found = float(self.text())
        except ValueError:
            found = float("nan")
        if not isfinite(found):
            raise self.refused(f"{self.text()} is no number")
        return found

    def choice(self, known: Iterable[str]) -> str:
        """This as one of some words, whatever their case."""
        words, said = sorted(known), self.text()
        if said.lower() not in words:
            raise self.refused(f"{said} is not known here; known are {', '.join(words)}")
        return said.lower()

    def is_on(self) -> bool:
        """This as true or false."""
        return self.choice(("true", "false")) == "true"

    def part(self, name: str) -> "Marked":
        """What a table has under a name. Unreadable, at the table, when that is missing."""
        found = self.table().get(name)
        if found is None or found.value is None:
            raise self.refused(f"{name} is missing here")
        return found

    def maybe(self, name: str) -> "Marked | None":
        """What a table has under a name; None for nothing."""
        found = self.table().get(name)
        return None if found is None or found.value is None else found
