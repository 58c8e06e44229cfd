"""Strategies are kept, revised, and published into versions that never change."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from backtest.domain import document
from backtest.domain.strategy import Content, Strategy, StrategyId, Version
from backtest.errors import InvalidRule, StrategyNotFound
from backtest.move_in import MovingIn, move_in
from backtest.store import strategies
from backtest.usecases.create_strategy import create_strategy
from backtest.usecases.publish_strategy import publish_strategy
from backtest.usecases.revise_strategy import revise_strategy
from kit.db import Database

from services.backtest.tests.builders import content, events_of

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def create(database: Database, owner: UUID, written: Content | None = None) -> Strategy:
    async with database.owned(owner) as session:
        return await create_strategy(session, owner, written or content(), NOON)


async def revise(database: Database, owner: UUID, strategy_id: StrategyId, written: Content) -> Strategy:
    async with database.owned(owner) as session:
        return await revise_strategy(session, owner, strategy_id, written, NOON)


async def publish(database: Database, owner: UUID, strategy_id: StrategyId) -> tuple[Version, bool]:
    async with database.owned(owner) as session:
        return await publish_strategy(session, owner, strategy_id, NOON)


async def test_a_strategy_is_kept_as_it_was_written(database: Database) -> None:
    owner = uuid4()
    kept = await create(database, owner)
    async with database.owned(owner) as session:
        assert await strategies.find(session, owner, kept.id) == kept


async def test_a_strategy_whose_rules_do_not_compile_is_not_kept(database: Database) -> None:
    owner = uuid4()
    with pytest.raises(InvalidRule) as refused:
        await create(database, owner, content(entry="close >"))
    assert [error.field for error in refused.value.errors] == ["entry"]
    async with database.owned(owner) as session:
        assert await strategies.list_page(session, owner, None, 10) == []


async def test_a_strategy_of_another_installation_comes_once_and_a_rehearsal_leaves_nothing(database: Database) -> None:
    owner, strategy_id = uuid4(), uuid4()
    rules = {"entry": "close > sma(20)", "exit": "close < sma(20)", "portion": "0.5"}
    written = {"owner": owner, "strategies": [{"id": strategy_id, "name": "Turtle", **rules}]}
    told = MovingIn.model_validate(written)
    assert await move_in(database, told, rehearse=True) == 1
    async with database.owned(owner) as session:
        assert await strategies.list_page(session, owner, None, 10) == []
    assert [await move_in(database, told, rehearse=False) for _ in range(2)] == [1, 0]
    async with database.owned(owner) as session:
        kept = await strategies.find(session, owner, StrategyId(strategy_id))
    assert kept is not None
    assert (kept.content.name, kept.content.rules.portion) == ("Turtle", Decimal("0.5"))


async def test_of_strategies_that_come_together_none_stays_when_one_does_not_compile(database: Database) -> None:
    owner = uuid4()
    good = {"id": uuid4(), "name": "Good", "entry": "close > sma(20)", "exit": "close < sma(20)"}
    bad = {**good, "id": uuid4(), "entry": "close >"}
    with pytest.raises(InvalidRule):
        await move_in(database, MovingIn.model_validate({"owner": owner, "strategies": [good, bad]}), rehearse=False)
    async with database.owned(owner) as session:
        assert await strategies.list_page(session, owner, None, 10) == []


async def test_publishing_announces_the_first_version(database: Database) -> None:
    owner = uuid4()
    strategy = await create(database, owner)
    version, is_new = await publish(database, owner, strategy.id)
    assert (version.number, version.content, is_new) == (1, strategy.content, True)
    assert await events_of(database, owner) == [
        (
            "backtest.strategy.published.v1",
            {
                "strategy_id": str(strategy.id),
                "version": 1,
                "name": strategy.content.name,
                "description": strategy.content.description,
                "document": document.write(strategy.content.rules),
            },
        )
    ]


async def test_publishing_unchanged_content_again_is_the_same_version(database: Database) -> None:
    owner = uuid4()
    strategy = await create(database, owner)
    first, _ = await publish(database, owner, strategy.id)
    await revise(database, owner, strategy.id, content(stop_loss="0.0500"))
    assert await publish(database, owner, strategy.id) == (first, False)
    assert len(await events_of(database, owner)) == 1


async def test_a_revised_strategy_is_published_as_the_next_version(database: Database) -> None:
    owner = uuid4()
    strategy = await create(database, owner)
    first, _ = await publish(database, owner, strategy.id)
    revised = await revise(database, owner, strategy.id, content(stop_loss=None))
    second, is_new = await publish(database, owner, strategy.id)
    assert (second.number, second.content, is_new) == (2, revised.content, True)
    async with database.owned(owner) as session:
        assert await strategies.find_version(session, owner, strategy.id, 1) == first


async def test_rules_that_do_not_compile_leave_a_strategy_as_it_was(database: Database) -> None:
    owner = uuid4()
    strategy = await create(database, owner)
    with pytest.raises(InvalidRule):
        await revise(database, owner, strategy.id, content(leave="1"))
    async with database.owned(owner) as session:
        assert await strategies.find(session, owner, strategy.id) == strategy


async def test_a_stranger_can_neither_revise_nor_publish(database: Database) -> None:
    strategy = await create(database, uuid4())
    with pytest.raises(StrategyNotFound):
        await revise(database, uuid4(), strategy.id, content())
    with pytest.raises(StrategyNotFound):
        await publish(database, uuid4(), strategy.id)
