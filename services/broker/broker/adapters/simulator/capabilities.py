"""What the simulator can do."""

from typing import Final

from broker.domain.capabilities import EXTENDED_AT_NXT, Capabilities

SIMULATOR: Final = Capabilities(
    broker="simulator",
    title="The simulator",
    account_kinds=frozenset({"paper"}),
    markets=frozenset({"KRX", "US"}),
    order_types=frozenset({"market", "limit"}),
    times_in_force=frozenset({"day", "ioc", "fok", "gtc", "at_open", "at_close"}),
    can_cancel=True,
    replaces="native",
    identifies_by_key=True,
    absence_is_certain=True,
    reports_executions=True,
    answers_with_trades=True,
    tells_costs=True,
    tells_expiry=True,
    books_are_ours=True,
    lists_in_pages=False,
    beyond_regular=EXTENDED_AT_NXT | {("KRX", "after_market")},
    venues=frozenset({"KRX", "NXT", "SOR", "US"}),
)
