"""What Alpaca can do for us.

No `gtc`: such an order could end long after it was placed, and then no list of recent orders shows it any more.
"""

from dataclasses import replace
from typing import Final

from broker.domain.capabilities import Capabilities

PAPER: Final = Capabilities(
    broker="alpaca",
    title="Alpaca",
    account_kinds=frozenset({"paper"}),
    markets=frozenset({"US"}),
    order_types=frozenset({"market", "limit"}),
    times_in_force=frozenset({"day", "ioc", "fok", "at_open", "at_close"}),
    can_cancel=True,
    replaces="native",
    identifies_by_key=True,
    absence_is_certain=True,
    reports_executions=True,
    tells_expiry=True,
    venues=frozenset({"US"}),
    market_data=frozenset({"quotes", "books", "daily_bars", "minute_bars", "live_trades", "live_books"}),
)
REAL: Final = replace(PAPER, environment="real", account_kinds=frozenset({"live"}))
