"""The audit log: entries that each seal the one before, so that no edit, insertion, deletion or move stays hidden."""

import hashlib
import heapq
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

TEXT_LENGTH_MAX = 500
ANCHORS_AHEAD = 1_000
"""How far heads may be written out of order: workers that run at once write down what each has seen."""
BEGINNING = bytes(32)
"""What the first entry seals."""
NOTED = (
    *("backup_begun", "backup_proved", "restored", "quarantine_released"),
    *("signing_key_added", "signing_key_revoked", "sealing_key_added"),
)
"""What the operator does past every service, and is written down all the same."""
ACTIONS = frozenset(
    {
        *("registered", "email_verified", "account_taken_over", "user_erased"),
        *("logged_in", "log_in_failed", "sessions_ended", "stepped_up", "step_up_failed"),
        *("password_changed", "password_change_failed", "password_reset_asked", "password_reset"),
        *("second_factor_enrolled", "second_factor_activated", "second_factor_failed"),
        *("second_factor_disabled", "second_factor_reset", "recovery_codes_renewed"),
        *("passkey_added", "passkey_removed", "passkey_wanted", "passkey_not_wanted"),
        *("identity_linked", "identity_unlinked", "grants_withdrawn"),
        *("api_key_created", "api_key_deleted", "sight_lent", "sight_taken_back"),
        *("rights_proposed", "rights_approved", "rights_changed", "proposal_withdrawn"),
        *("users_listed", "user_read", "usage_read", "audit_read", "export_asked", "export_fetched", "audit_log_cut"),
        *("trading_halted", "trading_resumed", "limits_loosened", "limits_tightened"),
        *(
            "account_opened",
            "account_reset",
            "ledger_disproved",
            "doubt_answered",
            "connection_saved",
            "connection_deleted",
        ),
        *NOTED,
    }
)
"""Every word that an entry may say it with: docs/audit.md has when, and where it is seen."""
KEPT_FOR = timedelta(days=5 * 366)
"""How long an entry is kept: as long as the books are. The database refuses to cut off what is younger."""
UNKNOWN = datetime.max.replace(tzinfo=UTC)
"""When a head was written down, if its line does not say so: never long enough ago."""


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
    """A head that was written down outside the database, at a time that nobody inside it can change."""

    position: int
    hash: bytes
    written_at: datetime = field(default=UNKNOWN, compare=False)

    def allows_cut(self, now: datetime) -> bool:
        """Tell whether everything up to this head is old enough to be cut off."""
        return self.written_at <= now - KEPT_FOR


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


class Flawed(Exception):
    """The log is not what was written; says what is wrong first."""


class Proof:
    """Reads a log from its first entry to its last, and holds nothing of it but the last hash.

    Every entry seals the one before it; what was written down outside must be in it, and it cannot be shorter. It may
    begin later than it did once, behind a head that was written down outside long enough ago.
    """

    def __init__(self, anchors: Iterable[Anchor], now: datetime) -> None:
        """Take the heads that were written down, in the order in which they were."""
        self.entries = 0
        self._now = now
        self._position = 0
        self._previous = BEGINNING
        self._anchors = _in_order(anchors)
        self._next = next(self._anchors, None)

    def read(self, found: Sealed) -> None:
        """Read the next entry; raise Flawed when it is not the one that was written after the last."""
        if self.entries == 0 and found.position > 1:
            self._begin_behind(found.position - 1)
        position = self._position + 1
        if found.position != position:
            raise Flawed(f"entry {position} is missing: the next one is {found.position}")
        text = _text(found.position, found.occurred_at, found.entry, (found.address, found.request_id))
        if hashlib.sha256(self._previous + text).digest() != found.hash:
            raise Flawed(f"entry {position} is not what was written")
        while self._next is not None and self._next.position <= position:
            if self._next != Anchor(position, found.hash):
                raise Flawed(f"entry {position} is not the one whose hash was written down outside the database")
            self._next = next(self._anchors, None)
        self.entries, self._position, self._previous = self.entries + 1, position, found.hash

    def _begin_behind(self, cut: int) -> None:
        """Begin where a cut left the log: its head was written down, so what was cut off was what had been written."""
        heads = []
        while self._next is not None and self._next.position <= cut:
            if self._next.position < 1:
                raise Flawed("a line that was written down outside the database is no head")
            if self._next.position == cut:
                heads.append(self._next)
            self._next = next(self._anchors, None)
        if not any(head.allows_cut(self._now) for head in heads) or len({head.hash for head in heads}) > 1:
            raise Flawed(f"entries up to {cut} are missing, and no head that is old enough says that they may be")
        self._position, self._previous = cut, heads[0].hash

    def end(self) -> None:
        """Raise Flawed when entries are missing that were written down outside."""
        if self._next is not None:
            last = max(anchor.position for anchor in (self._next, *self._anchors))
            raise Flawed(
                f"the log ends at entry {self._position}, but entry {last} was written down outside the database"
            )


def _in_order(anchors: Iterable[Anchor]) -> Iterator[Anchor]:
    """Sort what several workers wrote down at about the same time, without keeping years of it."""
    ahead: list[tuple[int, bytes, datetime]] = []
    for anchor in anchors:
        heapq.heappush(ahead, (anchor.position, anchor.hash, anchor.written_at))
        if len(ahead) > ANCHORS_AHEAD:
            yield Anchor(*heapq.heappop(ahead))
    while ahead:
        yield Anchor(*heapq.heappop(ahead))
