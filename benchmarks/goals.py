"""What figures have to hold, by the name of the result: a bench that misses one says so and fails."""

from collections.abc import Callable
from typing import Final

from benchmarks import (
    alerts,
    automations,
    backtests,
    browser,
    connectors,
    logins,
    matching,
    mixed,
    neighbours,
    overload,
    pushes,
    tokens,
)
from benchmarks.results import Result

Holds = Callable[[Result], bool]


def below(limit: float) -> Holds:
    """The figure is less."""
    return lambda found: found.value < limit


def at_most(limit: float) -> Holds:
    """The figure is no more."""
    return lambda found: found.value <= limit


def at_least(limit: float) -> Holds:
    """The figure is no less."""
    return lambda found: found.value >= limit


def ahead(times: float) -> Holds:
    """The figure is so many times its baseline's, where more is better."""
    return lambda found: found.ratio is not None and found.ratio >= times


def within(times: float) -> Holds:
    """The figure is no more than so many times its baseline's, where less is better."""
    return lambda found: found.ratio is not None and found.ratio <= times


NONE: Final = at_most(0)
GOALS: Final[tuple[tuple[str, Holds, str], ...]] = (
    ("cold_start_with_prices", below(60), "a platform from nothing within 60 s"),
    ("order_accept", at_least(500), "500 orders a second accepted"),
    ("order_accept", ahead(0.2), "as many orders accepted as a fifth of pgbench's transactions"),
    ("order_accept_p99_at_100", below(50), "100 orders a second accepted with p99 under 50 ms"),
    ("order_round_trip_p50", below(40), "a fill heard of within 40 ms, p50 at 100 orders a second"),
    ("order_round_trip_p95", below(120), "a fill heard of within 120 ms, p95 at 100 orders a second"),
    ("order_round_trip_lost", NONE, "no lost fill"),
    ("quote_fanout", ahead(0.6), "0.6 of the messages of a program that does nothing else"),
    ("quote_fanout_p99_at_half", below(250), "quotes within 250 ms, p99 at half of the load"),
    ("quote_fanout_stuck", NONE, "no half of a fan-out that stands still"),
    ("bar_ingest", ahead(0.5), "half of a bare COPY"),
    ("chart_query_cold_p95", below(30), "ten years of days within 30 ms, p95, asked for the first time"),
    ("chart_query_cached_p95", below(10), "and within 10 ms from then on"),
    ("screen_market", below(150), "a market screened in 150 ms"),
    ("screen_market", within(0.1), "ten times as fast as pandas symbol by symbol"),
    ("mixed_1000_p95", below(mixed.P95_MS_MAX), "a thousand people answered within 200 ms, p95"),
    ("mixed_1000_errors", below(mixed.ERRORS_MAX), "fewer than one request in a thousand failed"),
    ("token_check", at_least(tokens.CHECKS_MIN), "2,500 token checks a second on one worker"),
    (
        "login_flood_order_p99",
        within(logins.P99_RATIO_MAX),
        "orders' p99 at most 20 % slower under 100 log-ins a second",
    ),
    (
        "connector_overhead_p95",
        below(connectors.P95_MILLISECONDS_MAX),
        "10 ms of our own for an order at a broker, p95",
    ),
    ("matching", at_least(matching.ORDERS_RATE_MIN), "200,000 orders matched a second on one core"),
    ("bar_to_order_p95", below(automations.P95_MS_MAX), "an order within 250 ms of a closed bar"),
    ("bar_to_order_missing", NONE, "an order of every automation at every close"),
    ("account_push_p95", below(pushes.P95_MS_MAX), "/ws/account within 20 ms of a commit"),
    ("account_push_lost", NONE, "no push that is lost"),
    ("alerts_triggered_missing", NONE, "no alert that is met and not told"),
    ("alert_to_queue_p99", below(alerts.P99_MS_MAX), "alerts in a channel's queue within 500 ms"),
    ("browser_first_load", below(browser.LOADED_KB_MAX), "250 kB before the dashboard is drawn"),
    ("browser_interactive", below(browser.INTERACTIVE_MS_MAX), "a dashboard that answers within 2 s on a slow phone"),
    ("browser_route_change_p95", below(browser.ROUTE_MS_MAX), "the next page within 150 ms"),
    ("browser_frame_p95", below(browser.FRAME_MS_MAX), "95 % of frames within 50 ms under a thousand quotes a second"),
    (
        "overload_accept_p99_at_50",
        at_most(overload.ACCEPT_P99_MS_MAX),
        "50 orders a second accepted, p99 within 150 ms",
    ),
    ("overload_goodput_kept", at_least(overload.GOODPUT_MIN), "80 % of the best rate under five times as many orders"),
    ("overload_refuse_p99", at_most(overload.REFUSE_P99_MS_MAX), "refusals within 50 ms"),
    ("overload_cancel_p99", at_most(overload.CANCEL_P99_MS_MAX), "cancels within 500 ms"),
    ("overload_memory_growth", at_most(overload.GROWTH_MAX), "memory that does not grow"),
    *(
        (
            f"neighbour_{what}_p99",
            within(neighbours.P99_RATIO_MAX),
            f"{what}s' p99 at most 20 % slower beside a greedy tenant",
        )
        for what in ("order", "read", "quote")
    ),
    ("neighbour_not_served", NONE, "every call answered beside a greedy tenant"),
    ("backtest_portfolio", below(backtests.PORTFOLIO_SECONDS_MAX), "a market of portfolios in 2 s"),
    *(
        (name, ahead(least), f"{name} at least {least} times its peer's")
        for name, least in backtests.AHEAD_OF_PEERS_MIN.items()
    ),
)


def missed(results: list[Result]) -> list[str]:
    """The goals that these results do not reach, each with the figure."""
    return [
        f"{goal}: does NOT hold ({found.value:g} {found.unit}, ratio {found.ratio})"
        for name, holds, goal in GOALS
        for found in results
        if found.name == name and not holds(found)
    ]
