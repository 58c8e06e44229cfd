"""Somebody who was lent a sight reads accounts, and does nothing."""

from uuid import UUID

import httpx
import pytest
from kit.ids import new_id
from kit.testing.tokens import Tokens

from services.trading.tests.conftest import People

ACCOUNTS = "/api/v1/trading/accounts"
PAPER = {"name": "mine", "kind": "paper", "currency": "KRW", "initial_cash": "10000000"}


@pytest.mark.requirement("R-38", "R-48")
async def test_a_delegate_reads_and_does_nothing_and_a_stranger_finds_nobody(
    people: People, api: httpx.AsyncClient, tokens: Tokens
) -> None:
    lender = people.new()
    opened = await lender.post("/trading/accounts", PAPER)
    assert opened.status_code == 201, opened.text
    account = f"{ACCOUNTS}/{opened.json()['id']}"

    def headers(lenders: str, role: str = "user", owner: UUID = lender.id) -> dict[str, str]:
        token = tokens.sign({**tokens.claims(new_id(), role), "deleg": lenders})
        return {"Authorization": f"Bearer {token}", "X-On-Behalf-Of": str(owner)}

    delegate = headers(str(lender.id))
    for path in (ACCOUNTS, account, f"{account}/balance", f"{account}/ledger", "/api/v1/trading/orders"):
        assert (await api.get(path, headers=delegate)).status_code == 200, path
    assert (await api.get(account, headers=delegate)).json()["id"] == opened.json()["id"]
    for method, path in (("POST", ACCOUNTS), ("POST", f"{account}/deposits"), ("POST", "/api/v1/trading/orders")):
        assert (await api.request(method, path, json={}, headers=delegate)).status_code == 403, path
    assert (await api.get(account, headers=headers(""))).status_code == 404
    assert (await api.get(account, headers=headers(str(new_id())))).status_code == 404, "lent by somebody else"
    assert (await api.get(account, headers=headers(str(lender.id), owner=new_id()))).status_code == 404
    own = {name: value for name, value in delegate.items() if name == "Authorization"}
    assert (await api.get(account, headers=own)).status_code == 404, "without the header one sees what is one's own"
