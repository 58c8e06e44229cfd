"""A strategy's document: what it does as JSON with a number of its format, which is how it is kept and published.

A later format gets a number of its own, and a branch in `read`; documents already published stay as they are.
"""

from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from backtest.domain.search import Folds, Search, Walk
from backtest.domain.strategy import Portfolio, Ranked, Rules

FORMAT: Final = 1
PORTFOLIO_FORMAT: Final = 2
"""The same with one more part, `portfolio`: who knows format 1 only refuses it by its number."""

_LISTS: Final = ("boards", "kinds", "symbols")
_FRACTIONS: Final = ("stop_loss", "take_profit", "trailing_stop", "volume_share")


class UnknownFormat(Exception):
    """A document of a format this code does not know: it was written by a newer one."""


def write(rules: Rules) -> dict[str, Any]:
    """The document of some rules; decimals are strings without trailing zeros, what is absent is null."""
    written: dict[str, Any] = {
        "format": format_of(rules),
        "entry": rules.entry,
        "exit": rules.exit,
        "stops": {
            "stop_loss": _text(rules.stop_loss),
            "take_profit": _text(rules.take_profit),
            "trailing_stop": _text(rules.trailing_stop),
            "holding_bars": rules.holding_bars,
        },
        "sizing": {"portion": _text(rules.portion)},
        "costs": {"fee_schedule": rules.fee_schedule, "slippage": _text(rules.slippage)},
        "execution": {"volume_share": _text(rules.volume_share)},
    }
    if rules.portfolio is not None:
        written["portfolio"] = _written(rules.portfolio)
    return written


def format_of(rules: Rules) -> int:
    """The number of the format that these rules are written in: the oldest that can say them."""
    return FORMAT if rules.portfolio is None else PORTFOLIO_FORMAT


def read(document: dict[str, Any]) -> Rules:
    """The rules of a document. UnknownFormat for one of a later format."""
    if document["format"] not in {FORMAT, PORTFOLIO_FORMAT}:
        said = f"format {document['format']} of a strategy is not known, the newest known is {PORTFOLIO_FORMAT}"
        raise UnknownFormat(said)
    written = {**document["stops"], **document["sizing"], **document["costs"], **document["execution"]}
    for name in _FRACTIONS:
        written[name] = None if written[name] is None else Decimal(written[name])
    written["portion"], written["slippage"] = Decimal(written["portion"]), Decimal(written["slippage"])
    if document["format"] == PORTFOLIO_FORMAT:
        written["portfolio"] = _portfolio(document["portfolio"])
    return Rules(entry=document["entry"], exit=document["exit"], **written)


def _written(portfolio: Portfolio) -> dict[str, Any]:
    ranking = [{"factor": ranked.factor, "weight": _text(ranked.weight)} for ranked in portfolio.ranking]
    lists = {name: list(getattr(portfolio, name)) for name in _LISTS}
    return {**asdict(portfolio), **lists, "ranking": ranking, "tolerance": _text(portfolio.tolerance)}


def _portfolio(written: dict[str, Any]) -> Portfolio:
    ranking = tuple(Ranked(ranked["factor"], Decimal(ranked["weight"])) for ranked in written["ranking"])
    lists = {name: tuple(written[name]) for name in _LISTS}
    return Portfolio(**{**written, **lists, "ranking": ranking, "tolerance": Decimal(written["tolerance"])})


def write_search(search: Search) -> dict[str, Any]:
    """How a grid is searched, as JSON."""
    return {**asdict(search), "drawdown_max": _text(search.drawdown_max)}


def read_search(written: dict[str, Any]) -> Search:
    """The search that was written; all of the grid where nothing was."""
    known = dict(written)
    for name, kind in (("walk", Walk), ("folds", Folds)):
        if known.get(name) is not None:
            known[name] = kind(**known[name])
    if known.get("drawdown_max") is not None:
        known["drawdown_max"] = Decimal(known["drawdown_max"])
    return Search(**known)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize(), "f")
