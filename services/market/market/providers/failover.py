"""Ask one source after another, in the operator's order, until one gives an answer that can be believed.

A source that fails again and again is left alone for a while, one that has shut us out until its day is over. What each
said is remembered, so that the report tells why a series came from the second choice, or from nobody.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TypeVar

import structlog
from quant.markets.listing import Board, Kind, Market, market_of

from market.domain.breaker import Breaker
from market.domain.sessions import local_day, unfinished_day
from market.feeds.fetched_bars import Believed, Claim, believe
from market.providers.caller import end_of_day
from market.providers.port import (
    Blocked,
    Limited,
    NotAllowed,
    NotOffered,
    Provenance,
    Provider,
    ProviderError,
    RawBar,
    UnknownSymbol,
)

KST_HOURS = 9
NOT_ALLOWED_PAUSE = timedelta(hours=1)
LIMITED_PAUSE = timedelta(minutes=1)

log = structlog.get_logger()

T = TypeVar("T")
Changed = Callable[[Breaker], Awaitable[None]]


async def _forget(_breaker: Breaker) -> None:
    return


@dataclass(frozen=True, slots=True)
class Collected:
    """An answer that can be believed, who gave it, and what the sources before it said."""

    provenance: Provenance
    believed: Believed
    passed_over: tuple[str, ...] = ()


class NoSource(Exception):
    """No source gave a believable answer; `reasons` says what each one did."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons) or "no source offers this")
        self.reasons = tuple(reasons)


@dataclass
class Failover:
    """The sources in the order of preference, and the breaker of each.

    `changed` is told of every breaker that opens or closes, so that a successor knows of a block.
    """

    providers: Sequence[Provider]
    clock: Callable[[], datetime]
    breakers: dict[str, Breaker] = field(default_factory=dict)
    changed: Changed = _forget

    def remember(self, breakers: Iterable[Breaker]) -> None:
        """Take over what a predecessor knew."""
        self.breakers |= {breaker.source: breaker for breaker in breakers}

    async def series(self, symbol: str, board: Board, kind: Kind, span: tuple[date, date]) -> Collected:
        """One symbol between two days, from the first source that can be believed.

        Raises:
            NoSource: when none can.
        """
        market: Market = market_of(board)

        async def fetch(provider: Provider) -> Sequence[RawBar]:
            return await provider.fetch_series(symbol, market, *span)

        offering = [one for one in self.providers if one.provenance.series and market in one.provenance.markets]
        return await self._first_believed(offering, fetch, board, kind)

    async def whole_day(self, board: Board, day: date) -> Collected:
        """Every symbol of a board on one day, from the first source that can be believed.

        Raises:
            NoSource: when none can.
        """

        async def fetch(provider: Provider) -> Sequence[RawBar]:
            return await provider.fetch_day(board, day)

        offering = [one for one in self.providers if one.provenance.whole_days]
        return await self._first_believed(offering, fetch, board, "stock")

    async def guarded(self, source: str, fetch: Callable[[], Awaitable[T]]) -> T:
        """Ask a single source for something else than bars, unless its breaker is open.

        Raises:
            NoSource: with the reason.
        """
        breaker = self.breakers.get(source, Breaker(source))
        if not breaker.allows(self.clock()):
            raise NoSource([f"{source}: left alone until {breaker.open_until:%Y-%m-%d %H:%M} UTC, {breaker.reason}"])
        try:
            found = await fetch()
        except ProviderError as failed:
            await self._note(_after(breaker, failed, self.clock()))
            raise NoSource([f"{source}: {failed}"]) from failed
        await self._note(breaker.succeeded())
        return found

    async def _first_believed(
        self,
        providers: Sequence[Provider],
        fetch: Callable[[Provider], Awaitable[Sequence[RawBar]]],
        board: Board,
        kind: Kind,
    ) -> Collected:
        reasons: list[str] = []
        for provider in providers:
            source, moment = provider.provenance.source, self.clock()
            breaker = self.breakers.get(source, Breaker(source))
            if not breaker.allows(moment):
                reasons.append(f"{source}: left alone until {breaker.open_until:%Y-%m-%d %H:%M} UTC, {breaker.reason}")
                continue
            try:
                bars = await fetch(provider)
            except ProviderError as failed:
                await self._note(_after(breaker, failed, self.clock()))
                reasons.append(f"{source}: {failed}")
                continue
            claim = Claim(source, board, kind, provider.provenance.adjustment)
            market = market_of(board)
            believed = believe(bars, claim, local_day(market, moment), unfinished_day(market, moment))
            if believed.doubts:
                log.warning("a source is not believed", source=source, doubts=believed.doubts)
                reasons.append(f"{source}: not believed: {believed.doubts[0]}")
                continue
            await self._note(breaker.succeeded())
            return Collected(provider.provenance, believed, tuple(reasons))
        raise NoSource(reasons)

    async def _note(self, breaker: Breaker) -> None:
        before = self.breakers.get(breaker.source, Breaker(breaker.source))
        self.breakers[breaker.source] = breaker
        if breaker != before:
            await self.changed(breaker)


def _after(breaker: Breaker, failed: ProviderError, moment: datetime) -> Breaker:
    """What a failure makes of a breaker; a question that a source never answers says nothing about it."""
    reason = str(failed)
    match failed:
        case NotOffered() | UnknownSymbol():
            return breaker
        case Blocked(until=until):
            return breaker.blocked(until or end_of_day(moment, KST_HOURS), reason)
        case Limited(seconds=seconds):
            return breaker.paused(moment + (timedelta(seconds=seconds) if seconds else LIMITED_PAUSE), reason)
        case NotAllowed():
            return breaker.paused(moment + NOT_ALLOWED_PAUSE, reason)
        case _:
            return breaker.failed(moment, reason)
