"""The audit log: entries that each seal the one before, so that no edit, insertion, deletion or move stays hidden."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

TEXT_LENGTH_MAX = 500
BEGINNING = bytes(32)
"""What the first entry seals."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to whom: `actor` is a user's id, `operator` for the command line, or empty for nobody known."""

    actor: str
    action: str
    subject: str
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry in its place in the log."""

    position: int
    occurred_at: datetime
    entry: AuditEntry
    address: str
    request_id: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that was written down outside the database."""

    position: int
    hash: bytes


def plain(text: str) -> str:
    """Return a text without characters that could forge lines or steer a terminal."""
    return "".join(
        character if unicodedata.category(character)[0] != "C" else f"\\u{{{ord(character):x}}}"
        for character in text[:TEXT_LENGTH_MAX]
    )


def seal(previous: bytes, position: int, occurred_at: datetime, entry: AuditEntry, origin: tuple[str, str]) -> Sealed:
    """Return the entry that follows `previous`; `origin` is the client's address and the request's id."""
    cleaned = AuditEntry(
        plain(entry.actor),
        plain(entry.action),
        plain(entry.subject),
        {plain(key): plain(value) for key, value in entry.old.items()},
        {plain(key): plain(value) for key, value in entry.new.items()},
    )
    address, request_id = plain(origin[0]), plain(origin[1])
    text = _text(position, occurred_at, cleaned, (address, request_id))
    return Sealed(position, occurred_at, cleaned, address, request_id, hashlib.sha256(previous + text).digest())


def _text(position: int, occurred_at: datetime, entry: AuditEntry, origin: tuple[str, str]) -> bytes:
    said = [
        position,
        occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        dict(entry.old),
        dict(entry.new),
        *origin,
    ]
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def first_flaw(log: Iterable[Sealed], anchors: Iterable[Anchor]) -> str | None:
    """Say what is wrong first with a log given in its order, or None: every entry seals the one before it.

    Args:
        log: every entry, from the first.
        anchors: what was written down outside: it must be in the log, and the log cannot be shorter.
    """
    previous, position = BEGINNING, 0
    expected: dict[int, bytes] = {}
    for anchor in anchors:
        if expected.setdefault(anchor.position, anchor.hash) != anchor.hash:
            return f"two different heads were written down for entry {anchor.position}"
    for found in log:
        position += 1
        if found.position != position:
            return f"entry {position} is missing: the next one is {found.position}"
        text = _text(found.position, found.occurred_at, found.entry, (found.address, found.request_id))
        if hashlib.sha256(previous + text).digest() != found.hash:
            return f"entry {position} is not what was written"
        if expected.pop(position, found.hash) != found.hash:
            return f"entry {position} is not the one whose hash was written down outside the database"
        previous = found.hash
    if expected:
        return f"the log ends at entry {position}, but entry {max(expected)} was written down outside the database"
    return None
