"""What the risk review is asked: an order, and everything a check may look at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.fees import Trade, buy_reserve, reserve_price
from quant.markets.listing import Currency, Side

from trading.domain.account import Account, Standing
from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import Denied, Hold, OrderRequest, Reason

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything a check may look at.

    For a replacement `request` has the new terms, and `extra_hold` is what they need besides what is held already.
    """

    request: OrderRequest
    account: Account
    standing: Standing
    latest: Quote | None
    limits: Limits
    now: datetime
    extra_hold: Decimal | None = None

    @property
    def is_replacement(self) -> bool:
        """Whether the order is there already and only its terms are asked about."""
        return self.extra_hold is not None

    @property
    def quote(self) -> Quote:
        """The quote, for the checks that come after `quote_is_fresh`."""
        assert self.latest is not None
        return self.latest

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def quantity(self) -> Decimal:
        return self.request.quantity

    @property
    def currency(self) -> Currency:
        """What the prices are in."""
        return self.quote.currency

    @property
    def price(self) -> Decimal:
        """The price the order is judged by: its limit, else its stop, else the last; of a pair the dearer one's."""
        asked = self.request
        own = asked.limit_price or asked.stop_price or self.quote.price
        return max(own, asked.oco_stop_limit_price or asked.oco_stop_price or own)

    @property
    def value(self) -> Decimal:
        """What the order is worth at that price."""
        return self.request.quantity * self.price

    @property
    def hold_price(self) -> Decimal:
        """What a share is reserved at: the limit; at market the day's upper limit, or a margin above the price.

        Of two orders of which one cancels the other only one is held for: the dearer.
        """
        asked = self.request
        own = self._reserved_at(asked.limit_price, asked.stop_price)
        if asked.oco_stop_price is None:
            return own
        return max(own, self._reserved_at(asked.oco_stop_limit_price, asked.oco_stop_price))

    def _reserved_at(self, limit: Decimal | None, stop: Decimal | None) -> Decimal:
        upper = self.quote.band.upper if self.quote.band else None
        return reserve_price(limit, upper, max(self.quote.price, stop or ZERO))

    @property
    def hold(self) -> Hold:
        """What has to be set aside: for a buy what it may cost at most, fee included; for a sale its shares."""
        if self.request.side == "sell":
            return Hold(price=None, amount=self.request.quantity)
        trade = Trade(
            market=self.quote.market,
            board=self.quote.board,
            kind=self.quote.kind,
            side="buy",
            quantity=self.request.quantity,
            price=self.hold_price,
            trade_date=self.quote.trading_date,
        )
        return Hold(price=self.hold_price, amount=buy_reserve(trade))

    @property
    def more_to_hold(self) -> Decimal:
        """What the account has to bring up now."""
        return self.hold.amount if self.extra_hold is None else self.extra_hold

    @property
    def prices(self) -> tuple[Decimal, ...]:
        """Every price the order names."""
        asked = self.request
        own = (asked.limit_price, asked.stop_price)
        exits = (asked.take_profit_price, asked.stop_loss_price, asked.stop_loss_limit_price)
        other = (asked.oco_stop_price, asked.oco_stop_limit_price)
        return tuple(price for price in (*own, *exits, *other) if price is not None)

    def denied(self, reason: Reason, detail: str) -> Denied:
        """Refuse, with the published reason and a sentence that gives the figures."""
        return Denied(reason=reason, detail=detail, quote=self.latest)


Check = Callable[[Question], Denied | None]
