"""What KIS can do for us, on paper and live."""

from dataclasses import replace
from typing import Final

from broker.domain.capabilities import EXTENDED_AT_NXT, Capabilities

PAPER: Final = Capabilities(
    broker="kis",
    title="Korea Investment & Securities",
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
REAL: Final = replace(
    PAPER,
    environment="real",
    account_kinds=frozenset({"live"}),
    venues=frozenset({"KRX", "NXT", "SOR"}),
    beyond_regular=EXTENDED_AT_NXT,
)

PAPER_US: Final = Capabilities(
    broker="kis_us",
    title="Korea Investment & Securities (US stocks)",
    account_kinds=frozenset({"paper"}),
    markets=frozenset({"US"}),
    order_types=frozenset({"limit"}),
    times_in_force=frozenset({"day"}),
    can_cancel=True,
    replaces="native",
    identifies_by_key=False,
    absence_is_certain=False,
    reports_executions=True,
    changes_quantity=False,
    venues=frozenset({"US"}),
    market_data=frozenset({"quotes", "books", "daily_bars", "minute_bars", "live_trades", "live_books"}),
)
"""Its overseas ledger, which has its own calls, its own currency and its own day: docs/decisions/0108."""
REAL_US: Final = replace(PAPER_US, environment="real", account_kinds=frozenset({"live"}))
