"""A statement compiled once says the same as when SQLAlchemy runs it, fails in the same words, and refuses mistakes."""

import asyncio
from decimal import Decimal
from uuid import UUID

import pytest
from kit.db import Database
from kit.ids import new_id
from kit.sql import Statement
from sqlalchemy import Column, MetaData, Table, Text, Uuid, bindparam, insert, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

notes = Table("notes", MetaData(), Column("id", Uuid), Column("owner_id", Uuid), Column("words", Text))
INSERT = insert(notes)
FIND = select(notes.c.id, notes.c.words).where(notes.c.owner_id == bindparam("owner")).order_by(notes.c.words)


def a_note(owner: UUID, words: str) -> dict[str, UUID | str]:
    return {"id": new_id(), "owner_id": owner, "words": words}


async def test_rows_are_those_that_sqlalchemy_returns(database: Database) -> None:
    owner, write, find = new_id(), Statement(INSERT), Statement(FIND)
    async with database.owned(owner) as session:
        assert [await write.count(session, a_note(owner, words)) for words in ("b", "a")] == [1, 1]
        rows = await find.all(session, {"owner": owner})
        plain = (await session.execute(FIND, {"owner": owner})).all()
        assert [(row.id, row.words) for row in rows] == [tuple(row) for row in plain]
        first = await find.first(session, {"owner": owner})
        assert first is not None
        assert dict(first._mapping) == dict(plain[0]._mapping)
        assert await find.value(session, {"owner": owner}) == plain[0].id
        assert await find.first(session, {"owner": new_id()}) is None
        assert await find.value(session, {"owner": new_id()}) is None
        with pytest.raises(AttributeError, match="colour"):
            _ = first.colour


async def test_constants_arrays_numbers_and_json_arrive_as_they_are(database: Database) -> None:
    statement = Statement(
        select(
            literal("fixed").label("fixed"),
            bindparam("document", type_=JSONB).label("document"),
            text("CAST(:numbers AS numeric[]) AS numbers"),
        )
    )
    given = {"document": {"price": Decimal("1.50"), "deep": [1, None]}, "numbers": [Decimal("1.50"), Decimal(2)]}
    async with database.owned(new_id()) as session:
        for _ in range(2):
            row = await statement.first(session, given)
            assert row is not None
            assert row.fixed == "fixed"
            assert row.document == {"price": "1.5", "deep": [1, None]}
            assert row.numbers == given["numbers"]


async def test_many_are_run_in_one_round_trip_in_order_and_all_or_none(database: Database) -> None:
    owner = new_id()
    add = Statement(insert(notes).returning(notes.c.words))
    async with database.owned(owner) as session:
        rows = await add.many(session, [a_note(owner, words) for words in ("b", "a", "c")])
        assert [row.words for row in rows] == ["b", "a", "c"]
    again = {**a_note(owner, "twice"), "id": new_id()}
    for opened in (database.owned(owner), database.system(single=True)):  # inside a transaction, and being one
        with pytest.raises(IntegrityError):
            async with opened as session:
                await add.many(session, [again, again])
    async with database.owned(owner) as session:
        assert [row.words for row in await Statement(FIND).all(session, {"owner": owner})] == ["a", "b", "c"]


async def test_an_error_comes_in_the_words_of_every_other_statement(database: Database) -> None:
    owner = new_id()
    note, write = a_note(owner, "once"), Statement(INSERT)
    divide = Statement(text("SELECT 1 / CAST(:number AS int)"))

    async def twice() -> None:
        async with database.owned(owner) as session:
            await write.count(session, note)
            await write.count(session, note)

    async def by_zero() -> None:
        async with database.owned(owner) as session:
            await write.count(session, note)
            await divide.value(session, {"number": 0})

    with pytest.raises(IntegrityError):
        await twice()
    with pytest.raises(DBAPIError, match="division by zero"):
        await by_zero()
    async with database.owned(owner) as session:
        assert await Statement(FIND).all(session, {"owner": owner}) == [], "both transactions were rolled back"


async def test_a_statement_that_is_cancelled_takes_its_transaction_with_it_and_leaves_the_pool_usable(
    database: Database,
) -> None:
    owner, write, find = new_id(), Statement(INSERT), Statement(FIND)
    asleep = Statement(text("SELECT pg_sleep(:seconds)"))

    async def write_and_sleep() -> None:
        async with database.owned(owner) as session:
            await write.count(session, a_note(owner, "never"))
            await asleep.all(session, {"seconds": 60.0})

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await write_and_sleep()
    async with database.owned(owner) as session:
        assert await find.all(session, {"owner": owner}) == []


async def test_a_name_too_many_a_name_too_few_and_a_list_for_in_are_mistakes(database: Database) -> None:
    owner, find = new_id(), Statement(FIND)
    async with database.owned(owner) as session:
        with pytest.raises(AssertionError, match="colour"):
            await find.all(session, {"owner": owner, "colour": "red"})
        await find.all(session, {"owner": owner})
        with pytest.raises(KeyError):
            await find.all(session, {})
        with pytest.raises(AssertionError, match="arrays"):
            await Statement(select(notes.c.id).where(notes.c.words.in_(["a", "b"]))).all(session, {})
