"""What LS can do for us, on paper.

An order may name NXT, which is all that is published of it: in which windows, with which kinds and how such an order
looks in the list is not. SOR has no word there.
"""

from typing import Final

from broker.domain.capabilities import Capabilities

PAPER: Final = Capabilities(
    broker="ls",
    title="LS Securities",
    account_kinds=frozenset({"paper"}),
    markets=frozenset({"KRX"}),
    order_types=frozenset({"market", "limit"}),
    times_in_force=frozenset({"day", "ioc", "fok"}),
    can_cancel=True,
    replaces="native",
    identifies_by_key=False,
    absence_is_certain=False,
    reports_executions=True,
    venues=frozenset({"KRX", "NXT"}),
    unconfirmed_venues=frozenset({"NXT"}),
    market_data=frozenset({"quotes", "books", "daily_bars", "minute_bars", "live_trades", "live_books"}),
)
