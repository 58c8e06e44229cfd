"""A backtest as a page to read and print: figures, equity, drawdown, months, trades, and what all of it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import accumulate

from backtest.domain.outcome import Trade

WIDTH, HEIGHT = 900, 220
TRADES_SHOWN_MAX = 500
MONTHS = 12
MARKS = {1: "#2e7d32", -1: "#c62828"}
"""Colours of what was bought, and of what was sold."""

_STYLE = (
    "body{font:14px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0}td,th{padding:.15em .6em;text-align:right}"
    "td,th{border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}svg{width:100%;height:auto;background:#fafafa}"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a page shows. `facts` and `figures` are shown as they are, in their order; `equity` begins with the cash.

    `closes` are the prices at `dates`, none where there are many symbols.
    """

    title: str
    facts: Mapping[str, str]
    figures: Mapping[str, str]
    dates: Sequence[date]
    equity: Sequence[float]
    trades: Sequence[Trade]
    closes: Sequence[float] = ()


def page(report: Report) -> str:
    """The page as HTML that loads nothing from anywhere and runs no script; every text is escaped."""
    peaks = list(accumulate(report.equity, max))
    under = [value / peak - 1 for value, peak in zip(report.equity, peaks, strict=True)]
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        _pairs(report.figures),
        f"<h2>Equity · 평가금액</h2>{_chart(report.equity, '#1565c0')}",
        f"<h2>Drawdown · 낙폭</h2>{_chart(under, '#c62828')}",
        _price(report),
        f"<h2>Months · 월별 수익률</h2>{_months(report.dates, report.equity)}",
        f"<h2>Trades · 매매</h2>{_trades(report.trades)}",
        f"<h2>What it rests on · 근거와 가정</h2>{_pairs(report.facts)}",
    ]
    head = f'<meta charset="utf-8"><title>{escape(report.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>'


def monthly_returns(dates: Sequence[date], equity: Sequence[float]) -> dict[tuple[int, int], float]:
    """The return of each month by (year, month): from the last close before it, or the start, to its last close."""
    last = {(day.year, day.month): value for day, value in zip(dates, equity[1:], strict=True)}
    found, before = {}, equity[0]
    for month, value in last.items():
        found[month] = value / before - 1
        before = value
    return found


def _pairs(values: Mapping[str, str]) -> str:
    return _table([], [[escape(name), escape(value)] for name, value in values.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    titles = "<tr>" + "".join(f"<th>{title}</th>" for title in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{titles}{body}</table>"


def _price(report: Report) -> str:
    """The price with an upward mark where something was bought, and a downward one where it was sold."""
    if not report.closes:
        return ""
    places = {day: place for place, day in enumerate(report.dates)}
    bought = [(places[trade.entry_date], trade.entry_price, 1) for trade in report.trades]
    sold = [(places[trade.exit_date], trade.exit_price, -1) for trade in report.trades if trade.reason != "open"]
    one_a_pixel = {
        (place * WIDTH // len(report.closes), way): (place, price, way) for place, price, way in bought + sold
    }
    chart = _chart(report.closes, "#555", list(one_a_pixel.values()))
    return f"<h2>Trades on the price · 가격과 매매</h2>{chart}"


def _chart(values: Sequence[float], color: str, marks: Sequence[tuple[int, float, int]] = ()) -> str:
    """A line over the whole width, thinned to a point for each pixel: the lowest and highest of what it covers.

    `marks` are triangles at a place and a value, that point up (1) or down (-1).
    """
    prices = [value for _, value, _ in marks]
    low, high = min([*values, *prices]), max([*values, *prices])
    spread = (high - low) or 1.0
    step = max(1, len(values) // WIDTH)
    points = []
    for start in range(0, len(values), step):
        across = start / max(1, len(values) - 1) * WIDTH
        shown = (min(values[start : start + step]), max(values[start : start + step]))
        points += [f"{across:.1f},{(high - value) / spread * HEIGHT:.1f}" for value in dict.fromkeys(shown)]
    line = f'<polyline fill="none" stroke="{color}" points="{" ".join(points)}"/>'
    for place, value, way in marks:
        across, down = place / max(1, len(values) - 1) * WIDTH, (high - value) / spread * HEIGHT
        corners = f"{across:.1f},{down:.1f} {across - 3:.1f},{down + 6 * way:.1f} {across + 3:.1f},{down + 6 * way:.1f}"
        line += f'<polygon fill="{MARKS[way]}" points="{corners}"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{line}</svg><p>{low:,.4g} … {high:,.4g}</p>'


def _months(dates: Sequence[date], equity: Sequence[float]) -> str:
    returns = monthly_returns(dates, equity)
    rows = []
    for year in sorted({year for year, _ in returns}):
        months = [returns.get((year, month)) for month in range(1, MONTHS + 1)]
        rows.append([str(year), *("" if value is None else f"{value:.2%}" for value in months)])
    return _table(["", *(str(month) for month in range(1, MONTHS + 1))], rows)


def _trades(trades: Sequence[Trade]) -> str:
    head = ["symbol", "entry", "exit", "shares", "bought at", "sold at", "costs", "profit", "%", "reason"]
    rows = [
        [
            trade.symbol or "",
            str(trade.entry_date),
            str(trade.exit_date),
            f"{trade.shares:,}",
            f"{trade.entry_price:,.2f}",
            f"{trade.exit_price:,.2f}",
            f"{trade.costs:,.2f}",
            f"{trade.profit:,.2f}",
            f"{trade.profit_rate:.2%}",
            trade.reason,
        ]
        for trade in trades[:TRADES_SHOWN_MAX]
    ]
    more = f"<p>{len(trades) - TRADES_SHOWN_MAX:,} more</p>" if len(trades) > TRADES_SHOWN_MAX else ""
    return _table(head, rows) + more
