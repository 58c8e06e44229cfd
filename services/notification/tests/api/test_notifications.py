"""The inbox: anonymous, owner, stranger, malformed."""

from typing import Any

import pytest
from fastapi import FastAPI
from kit.ids import new_id
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from notification.resources import Resources

from services.notification.tests.people import Person

INBOX, READ = "/api/v1/notifications", "/api/v1/notifications/read"


@pytest.fixture
def person(tokens: Tokens, worker: Resources) -> Person:
    return Person(0, tokens, worker)


async def test_an_owner_pages_through_notices_the_newest_first(app: FastAPI, person: Person) -> None:
    await person.is_told(1, 2, 3, 4, 5, notice=True)
    async with client(app, person.token) as http:
        first = (await http.get(INBOX, params={"limit": 2})).json()
        second = (await http.get(INBOX, params={"limit": 2, "cursor": first["next_cursor"]})).json()
        third = (await http.get(INBOX, params={"limit": 2, "cursor": second["next_cursor"]})).json()
    titles = [item["title"] for page in (first, second, third) for item in page["items"]]
    assert titles == [f"Bought {number}" for number in (5, 4, 3, 2, 1)]
    assert third["next_cursor"] is None
    assert set(first["items"][0]) == {"id", "kind", "title", "body", "data", "created_at", "read_at"}


async def test_reading_some_and_then_all(app: FastAPI, person: Person) -> None:
    await person.is_told(1, 2, 3, notice=True)
    async with client(app, person.token) as http:
        newest = (await http.get(INBOX)).json()["items"][0]["id"]
        assert (await http.post(READ, json={"ids": [newest, str(new_id())]})).json() == {"marked": 1}
        unread = (await http.get(INBOX, params={"unread": "true"})).json()["items"]
        assert [item["title"] for item in unread] == ["Bought 2", "Bought 1"]
        assert (await http.post(READ, json={"all": True})).json() == {"marked": 2}
        assert (await http.get(INBOX, params={"unread": "true"})).json() == {"items": [], "next_cursor": None}
        assert all(item["read_at"] for item in (await http.get(INBOX)).json()["items"])


async def test_one_is_shown_by_its_id_and_stays_unread(app: FastAPI, person: Person) -> None:
    await person.is_told(1, 2, notice=True)
    async with client(app, person.token) as http:
        newest = (await http.get(INBOX)).json()["items"][0]
        assert (await http.get(f"{INBOX}/{newest['id']}")).json() == newest
        assert newest["read_at"] is None


@pytest.mark.requirement("R-38")
async def test_a_stranger_sees_and_marks_nothing(app: FastAPI, person: Person, tokens: Tokens) -> None:
    await person.is_told(1, notice=True)
    async with client(app, person.token) as http:
        mine = (await http.get(INBOX)).json()["items"][0]["id"]
    async with client(app, tokens.for_user(new_id())) as http:
        assert (await http.get(INBOX)).json()["items"] == []
        hers, nobodys = await http.get(f"{INBOX}/{mine}"), await http.get(f"{INBOX}/{new_id()}")
        assert (hers.status_code, hers.json()["code"]) == (404, "notification_not_found")
        assert hers.json()["detail"] == nobodys.json()["detail"]
        assert (await http.post(READ, json={"ids": [mine]})).json() == {"marked": 0}
        assert (await http.post(READ, json={"all": True})).json() == {"marked": 0}


async def test_an_anonymous_caller_is_told_to_log_in(app: FastAPI) -> None:
    async with client(app) as http:
        for answer in (await http.get(INBOX), await http.post(READ, json={"all": True})):
            assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")


@pytest.mark.requirement("R-35")
async def test_what_makes_no_sense_is_refused(app: FastAPI, person: Person) -> None:
    bodies: list[Any] = [{}, {"ids": []}, {"ids": ["x"]}, {"ids": [str(new_id())], "all": True}, {"all": False}, []]
    bodies += [{"ids": [str(new_id())] * 501}, {"all": True, "owner_id": str(new_id())}]
    queries: list[dict[str, Any]] = [{"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "WyJ4Il0"}]
    queries += [{"cursor": "x" * 401}, {"unread": "maybe"}]
    async with client(app, person.token) as http:
        for body in bodies:
            assert (await http.post(READ, json=body)).status_code == 422, body
        for query in queries:
            assert (await http.get(INBOX, params=query)).status_code == 422, query
