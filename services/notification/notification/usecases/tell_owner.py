"""Tell an owner what happened: on the stream, and in the inbox if it deserves a notice."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from kit.db import Session, after_commit, before_commit, notes

from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.domain.preference import Preferences
from notification.domain.standing import piece_of
from notification.domain.stream import Entry
from notification.store import preferences, stream
from notification.store.stream import Dated, NewNotice, Numbered
from notification.usecases.queue_deliveries import queue_deliveries

Publish = Callable[[OwnerId, Sequence[Numbered]], None]
"""Gets what an owner was told once it is certain; must neither wait nor fail."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something an owner is told.

    `id` becomes the notice's: the message's own, so that one message never makes two. `entries` are what happened, as
    its source tells it; none when there is only the notice. `notice` is the same for people; None when it is not worth
    their while.
    """

    id: UUID
    entries: Sequence[Entry]
    notice: Notice | None
    at: datetime

    def said(self, chosen: Preferences) -> tuple[list[Dated], list[NewNotice]]:
        """Return what of it goes on the stream and what into the inbox, a notice in the owner's language."""
        if self.notice is None:
            return [Dated(entry, self.at) for entry in self.entries], []
        notice = self.notice.said_in(chosen.language)
        return list(_entries(replace(self, notice=notice))), [NewNotice(self.id, notice, self.at)]


def tell_owner(session: Session, owner: OwnerId, told: Told, publish: Publish) -> None:
    """Append to the stream, and to the inbox, at the end of this transaction.

    Everything an owner is told in one transaction is written by one statement just before the commit: the numbers come
    from a row that all of the owner's writers share, so it is taken once and not for long.

    Args:
        session: the transaction that makes it so.
        owner: whom to tell.
        told: what.
        publish: is given the numbered entries after the commit.
    """
    everything: list[Told] = notes(session).setdefault(f"told {owner}", [])
    everything.append(told)
    before_commit(session, f"tell {owner}", partial(_write, session, owner, everything, publish))


async def _write(session: Session, owner: OwnerId, everything: Sequence[Told], publish: Publish) -> None:
    noticed = [told for told in everything if told.notice is not None]
    chosen, is_reachable = await preferences.find_with_reach(session, owner) if noticed else (Preferences(), False)
    parts = [told.said(chosen) for told in everything]
    entries = [entry for entries, _ in parts for entry in entries]
    notices = [new for _, notices in parts for new in notices]
    pieces = [piece for told in everything for entry in told.entries if (piece := piece_of(entry, told.at))]
    numbered = await stream.save(session, owner, entries, pieces, notices)
    if is_reachable:
        await queue_deliveries(session, owner, notices, chosen)

    async def published() -> None:
        publish(owner, numbered)

    after_commit(session, published)


def _entries(told: Told) -> Iterator[Dated]:
    for entry in told.entries:
        yield Dated(entry, told.at)
    if (notice := told.notice) is not None:
        shown = {"id": told.id, "kind": notice.kind, "title": notice.title, "body": notice.body, "data": notice.data}
        yield Dated(Entry("notice", {**shown, "created_at": _rfc3339(told.at), "read_at": None}), told.at)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
