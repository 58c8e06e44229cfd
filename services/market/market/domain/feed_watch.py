"""Which feeds have fallen silent although their market is open: silence at night is nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from quant.markets.listing import Market

from market.domain.quote import Session
from market.domain.sessions import session_at

SILENCE: Final = timedelta(seconds=30)
"""In a regular session some symbol of a feed is quoted every second; half a minute without any is a fault."""

OWN_SESSIONS: Final = frozenset({"replay"})
"""Sources that hold sessions of their own, at any hour."""


@dataclass(frozen=True, slots=True)
class FeedChange:
    """A feed fell silent, or is heard again."""

    market: Market
    source: str
    is_stalled: bool
    last_heard_at: datetime


@dataclass(slots=True)
class _Feed:
    heard_at: datetime
    session: Session
    is_stalled: bool = False


class FeedWatch:
    """The feeds of all markets. A feed is known from its first quote until a quote says that its session has closed."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[Market, str], _Feed] = {}

    def hear(self, market: Market, source: str, session: Session, moment: datetime) -> FeedChange | None:
        """Take note of a quote; tells when it ends a silence."""
        feed = self._feeds.setdefault((market, source), _Feed(moment, session))
        before, was_stalled = feed.heard_at, feed.is_stalled
        feed.heard_at, feed.session, feed.is_stalled = moment, session, False
        return FeedChange(market, source, is_stalled=False, last_heard_at=before) if was_stalled else None

    @property
    def heard(self) -> dict[tuple[Market, str], tuple[datetime, bool]]:
        """When each feed was last heard, and whether it has been silent for too long since."""
        return {key: (feed.heard_at, feed.is_stalled) for key, feed in self._feeds.items()}

    def judge(self, moment: datetime) -> list[FeedChange]:
        """The feeds that have become silent by now; each silence is told once."""
        silent = [
            (market, source, feed)
            for (market, source), feed in self._feeds.items()
            if feed.session == "regular"
            and not feed.is_stalled
            and moment - feed.heard_at > SILENCE
            and (source in OWN_SESSIONS or session_at(market, moment).session == "regular")
        ]
        for _, _, feed in silent:
            feed.is_stalled = True
        return [
            FeedChange(market, source, is_stalled=True, last_heard_at=feed.heard_at) for market, source, feed in silent
        ]
