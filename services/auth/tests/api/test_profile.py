"""Profiles: anonymous, owner, stranger, malformed; and tokens that must not open them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from auth.config import Settings
from auth.resources import signer_of
from auth.tokens import Claims
from kit.clock import now
from kit.ids import new_id

from services.auth.tests.people import Person, register

PROFILE = "/api/v1/users/profile"
CHANGE = {"name": "Haneul Kim", "language": "en", "time_zone": "Europe/Berlin"}


async def test_an_owner_sees_and_changes_the_own_profile_only(haneul: Person, http: httpx.AsyncClient) -> None:
    stranger = await register(http, "minjun@example.com", name="이민준")
    await stranger.logs_in()
    before = (await http.get(PROFILE, headers=haneul.bearer)).json()
    assert before == {
        "id": haneul.id,
        "email": haneul.email,
        "name": "김하늘",
        "role": "user",
        "language": "ko",
        "time_zone": "Asia/Seoul",
        "permissions": {
            "paper": True,
            "real": False,
            "premium": False,
            "daily_trades_max": None,
            "calls_per_minute_max": 60_000,
        },
        "created_at": before["created_at"],
    }
    changed = await http.put(PROFILE, json=CHANGE, headers=haneul.bearer)
    assert changed.json() == {**before, **CHANGE}
    assert (await http.get(PROFILE, headers=haneul.bearer)).json() == changed.json()
    assert (await http.get(PROFILE, headers=stranger.bearer)).json()["name"] == "이민준"


@pytest.mark.requirement("R-48")
async def test_what_may_not_be_changed_is_refused(haneul: Person) -> None:
    wrong: list[dict[str, Any]] = [
        {"name": ""},
        {"language": "de"},
        {"time_zone": "Moon/Base"},
        {"time_zone": "../etc"},
    ]
    for change in (*wrong, {"role": "admin"}, {"email": "other@example.com"}):
        answer = await haneul.http.put(PROFILE, json={**CHANGE, **change}, headers=haneul.bearer)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == next(iter(change))


@pytest.mark.requirement("R-42")
async def test_expired_foreign_and_service_tokens_open_nothing(haneul: Person, settings: Settings, tokens: Any) -> None:
    signer = signer_of(settings)
    claims = Claims(new_id(), new_id(), new_id(), "user", "x")
    expired = signer.sign(claims, now() - timedelta(hours=1))
    service = signer.sign(Claims(new_id(), new_id(), new_id(), "service", "backtest"), now())
    foreign = tokens.for_user(new_id())
    expected = {expired: (401, "token_expired"), service: (403, "forbidden"), foreign: (401, "token_invalid")}
    for token, verdict in expected.items():
        for method in ("GET", "PUT"):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await haneul.http.request(method, PROFILE, json=CHANGE, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == verdict
    anonymous = await haneul.http.put(PROFILE, json=CHANGE)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "token_missing")


async def test_an_account_that_is_gone_is_not_found(http: httpx.AsyncClient, settings: Settings) -> None:
    token = signer_of(settings).sign(Claims(new_id(), new_id(), new_id(), "user", "x"), now())
    headers = {"Authorization": f"Bearer {token}"}
    assert (await http.get(PROFILE, headers=headers)).status_code == 404
    assert (await http.put(PROFILE, json=CHANGE, headers=headers)).status_code == 404
