"""A strategy of many symbols: which it chooses at a close, and what follows for an automation that holds some."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from quant.choices import Choosing, Factor, Universe, choices_of
from quant.markets.listing import Market

FIGURES: Final = frozenset({"per", "pbr", "eps", "bps", "roe", "roa", "dividend_yield", "debt_ratio", "current_ratio"})
"""Of companies, by the names market has for them."""
MANY: Final = "*"
"""What stands for a symbol where a due run is about a whole universe."""
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Basket:
    """Which universe is chosen from, how, and by which part of its target (a share of 1) a position may be off.

    An empty list of the universe means all.
    """

    market: Market
    boards: tuple[str, ...]
    kinds: tuple[str, ...]
    symbols: tuple[str, ...]
    choosing: Choosing
    tolerance: Decimal


@dataclass(frozen=True, slots=True)
class Choice:
    """What is held from the next open on, best first, and what the choice before had and this one has not.

    `closes` are those of the symbols that traded on the day: no other moves.
    """

    chosen: tuple[str, ...]
    left: tuple[str, ...]
    closes: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Move:
    """One order that a choice asks for; `target` is what the position is to be worth, None where all of it goes."""

    symbol: str
    kind: Literal["entry", "exit"]
    target: Decimal | None


def read_basket(document: Mapping[str, Any]) -> Basket:
    """The basket of a document of format 2. RuleError for what cannot be read."""
    written = document["portfolio"]
    ranking = tuple(Factor.written(**ranked) for ranked in written["ranking"])
    choosing = Choosing(
        condition=document["entry"],
        unless=document["exit"],
        factors=ranking,
        positions=written["positions"],
        every=written["every"],
        extra_fields=FIGURES,
    )
    _compile(choosing)
    lists = {name: tuple(written[name]) for name in ("boards", "kinds", "symbols")}
    return Basket(written["market"], choosing=choosing, tolerance=Decimal(written["tolerance"]), **lists)


def is_complete(universe: Universe, on: date) -> bool:
    """Whether every symbol that traded on the day before, and is listed still, has its bar of the newest day."""
    if len(universe.days) < 2 or universe.days[-1].item() != on:
        return False
    listed = np.isnat(universe.delisted) | (universe.delisted > universe.days[-1])
    return not np.any((universe.place[-2] >= 0) & (universe.place[-1] < 0) & listed)


@lru_cache(maxsize=128)
def _compile(choosing: Choosing) -> None:
    """RuleError for what cannot be read; what could be read once is not read again."""
    assert choosing.rules


def choose(basket: Basket, universe: Universe, place: int = -1) -> Choice | None:
    """What is chosen at the close of a day, the newest if not said: that of a backtest of these days; None for none.

    ValueError for fewer than two days.
    """
    made, chosen = choices_of(universe, basket.choosing)
    if made[place] < 0:
        return None
    names = universe.panel.symbols
    rows = {names[symbol]: row for symbol, row in enumerate(universe.place[place].tolist()) if row >= 0}
    closes = {
        name: Decimal(repr(universe.panel.frame["close"].item(row)))
        for name, row in rows.items()
        if universe.traded[row]
    }
    number = int(made[place])
    best, before = (
        tuple(names[symbol] for symbol in chosen[at].tolist() if symbol >= 0) if at >= 0 else ()
        for at in (number, number - 1)
    )
    return Choice(best, tuple(name for name in before if name not in best and name in closes), closes)


def moves_after(
    choice: Choice, basket: Basket, held: Mapping[str, Decimal], worth: Decimal, portion: Decimal
) -> list[Move]:
    """The orders of a choice: sales first, then purchases by rank, each to an equal part of what is invested.

    Args:
        held: the shares of each symbol that is held.
        worth: what all of it and the cash is worth at this close; `portion` of it is invested.
    """
    target = worth * portion / basket.choosing.positions
    leaving = [symbol for symbol in held if symbol not in choice.chosen and symbol in choice.closes]
    sales, buys = [Move(symbol, "exit", None) for symbol in sorted(leaving)], []
    for symbol in choice.chosen:
        value = held.get(symbol, ZERO) * choice.closes[symbol]
        if value > target * (1 + basket.tolerance):
            sales.append(Move(symbol, "exit", target))
        elif not value or value < target * (1 - basket.tolerance):
            buys.append(Move(symbol, "entry", target))
    return sales + buys
