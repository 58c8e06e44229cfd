"""A household of another installation moves in: rehearsed, then once, and its books prove themselves."""

import asyncio
from pathlib import Path

import pytest

from tests.integration import invariants
from tests.integration.platform_under_test import Platform
from tools.migration.commands import Moved, move, rehearse
from tools.migration.household import Household, understand
from tools.migration.sources import read

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

HELD = """
SELECT (SELECT sum(cash) FROM (SELECT available + held AS cash FROM balances WHERE owner_id = $1) AS b) AS cash,
       (SELECT sum(quantity) FROM positions WHERE owner_id = $1) AS shares
"""


def a_household(folder: Path, entry: str) -> Household:
    (folder / "users.csv").write_text("id,email,name\n1,moved@example.com,Han Moved\n")
    (folder / "strategies.csv").write_text(f"id,user_id,name,entry,exit\n1,1,Turtle,{entry},close < sma(20)\n")
    (folder / "accounts.csv").write_text("id,user_id,name,currency,cash\n1,1,Old,USD,2500.50\n")
    (folder / "positions.csv").write_text("account_id,symbol,quantity,average_price\n1,AAPL,7,180.25\n")
    return understand(read(folder), None)


async def test_a_household_is_rehearsed_moves_in_once_and_proves_itself(platform: Platform, tmp_path: Path) -> None:
    people = "SELECT count(*) AS people FROM users WHERE email = 'moved@example.com'"
    [problem] = await asyncio.to_thread(rehearse, platform.layout, a_household(tmp_path, "close >"))
    assert problem.startswith("moved@example.com, entry: ")
    household = a_household(tmp_path, "close > sma(20)")
    assert await asyncio.to_thread(rehearse, platform.layout, household) == []
    assert (await platform.rows("auth", people))[0]["people"] == 0, "a rehearsal keeps nothing"
    [person] = household.people
    moved = [await asyncio.to_thread(move, platform.layout, person) for _ in range(2)]
    assert moved == [Moved(1, 1), Moved(0, 0)], "the second time there is nothing new"
    [who] = await platform.rows("auth", "SELECT id FROM users WHERE email = 'moved@example.com'")
    [held] = await platform.rows("trading", HELD, who["id"])
    assert (str(held["cash"].normalize()), int(held["shares"])) == ("2500.5", 7)
    await invariants.assert_the_ledger_proves_itself(platform)
