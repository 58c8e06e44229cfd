"""What LS can do for us, on paper."""

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
    market_data=frozenset({"quotes", "books", "daily_bars", "minute_bars", "live_trades", "live_books"}),
)
