"""What Kiwoom can do for us, on its mock environment and live."""

from dataclasses import replace
from typing import Final

from broker.domain.capabilities import EXTENDED_AT_NXT, Capabilities

PAPER: Final = Capabilities(
    broker="kiwoom",
    title="Kiwoom",
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
