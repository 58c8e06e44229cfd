"""Judges the close of a day for an automation of many symbols: the choice of a backtest of the same bars, or none."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final

from quant.choices import Universe
from quant.markets.calendar import next_session

from trading.clients.market import Market
from trading.clients.panels import TooManyBars, universe_of
from trading.domain.basket import Basket, Choice, choose, is_complete
from trading.domain.plan import Plan, UnusableDocument, read_plan
from trading.store.automation.system import DueRun
from trading.usecases.rebalance import Chosen

BARS_LATE: Final = timedelta(minutes=2)
"""How long after the first bar of a day was announced symbols may still be without theirs; a halt brings none."""

Quiet = tuple[str, dict[str, Any]]
"""How a run ends after which nothing happens: its status and outcome."""


async def judge_close(run: DueRun, market: Market, epoch: int, now: datetime) -> Chosen | Quiet | None:
    """What a day's close asks for; None while its bars are not there yet, and the run stays due until it is stale.

    Raises:
        Unavailable, UnexpectedAnswer: when market cannot be asked, or is not understood.
    """
    automation = run.automation
    try:
        plan = read_plan(run.document or {})
    except UnusableDocument as unusable:
        return "skipped", {"why": str(unusable)}
    except (KeyError, ValueError, TypeError) as odd:
        return "skipped", {"why": f"the strategy's document cannot be read: {odd!r}"}
    assert plan.basket is not None, "one symbol's strategy is judged by its bars"
    assert automation.history_from is not None, "a portfolio's history begins on a day"
    day = run.scheduled_at.date()
    try:
        universe = await universe_of(market, plan.basket, automation.history_from, day)
    except TooManyBars as many:
        return "skipped", {"why": str(many)}
    if universe is None or universe.days[-1].item() != day:
        return None
    if not is_complete(universe, day) and now - run.due_at < BARS_LATE:
        return None
    return await asyncio.to_thread(_judged, run, (plan, plan.basket), universe, epoch)


def _judged(run: DueRun, by: tuple[Plan, Basket], universe: Universe, epoch: int) -> Chosen | Quiet:
    plan, basket = by
    if len(universe.days) < plan.bars_needed:
        return "skipped", {"why": f"{len(universe.days)} days are too few: the rules need {plan.bars_needed}"}
    choice = choose(basket, universe)
    if choice is None:
        return "done", {"choice": False}
    return Chosen(
        automation=run.automation,
        plan=plan,
        basket=basket,
        choice=choice,
        scheduled_at=run.scheduled_at,
        act_on=next_session(run.automation.market, run.scheduled_at.date()),
        outcome=outcome_of(choice),
        epoch=epoch,
    )


def outcome_of(choice: Choice) -> dict[str, Any]:
    """What a run's end keeps of a choice."""
    return {"choice": True, "chosen": list(choice.chosen), "left": list(choice.left)}
