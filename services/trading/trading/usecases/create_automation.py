"""Set up an automation: nothing happens before it is started."""

from dataclasses import replace
from uuid import UUID

from kit.db import Session
from quant.markets.listing import currency_of

from trading.domain.automation import Automation
from trading.domain.basket import Basket
from trading.domain.plan import Plan, UnusableDocument, read_plan
from trading.errors import AccountNotFound, AutomationLimit, StrategyUnusable, VersionNotFound
from trading.store import accounts, automations

AUTOMATIONS_MAX = 100


async def create_automation(session: Session, owner: UUID, automation: Automation) -> Automation:
    """Keep an automation whose account and published version are the owner's; return it as it was kept.

    A portfolio brings its own universe and market, and how many symbols are held.
    """
    if await accounts.lock_count(session, owner) == 0 or (
        await accounts.find(session, owner, automation.account_id) is None
    ):
        raise AccountNotFound("You have no account of this id.")
    if await automations.count(session, owner) >= AUTOMATIONS_MAX:
        raise AutomationLimit(f"One may have {AUTOMATIONS_MAX} automations: delete one that is stopped.")
    plan = await _plan(session, owner, automation)
    kept = _of_many(automation, plan.basket) if plan is not None and plan.basket is not None else automation
    if not kept.symbols and (plan is None or plan.basket is None):
        raise StrategyUnusable("Say in `symbols` which symbols it looks at: the strategy is one of a single symbol.")
    await automations.save_new(session, owner, kept)
    return kept


def _of_many(automation: Automation, basket: Basket) -> Automation:
    if automation.symbols:
        raise StrategyUnusable("The strategy is a portfolio and chooses from its own universe: leave `symbols` out.")
    if automation.interval != "1d":
        raise StrategyUnusable("The strategy is a portfolio, and chooses at the close of days: ask for `interval` 1d.")
    if automation.history_from is None:
        raise StrategyUnusable(
            "The strategy is a portfolio: say in `history_from` with which day its history begins,"
            " as the backtest's first day."
        )
    return replace(
        automation,
        market=basket.market,
        currency=currency_of(basket.market),
        positions_max=basket.choosing.positions,
    )


async def _plan(session: Session, owner: UUID, automation: Automation) -> Plan | None:
    if automation.strategy_id is None or automation.version is None:
        return None
    document = await automations.find_document(session, owner, automation.strategy_id, automation.version)
    if document is None:
        raise VersionNotFound("You have published no such version of a strategy: publish it first.")
    try:
        return read_plan(document)
    except UnusableDocument as unusable:
        raise StrategyUnusable(str(unusable)) from unusable
