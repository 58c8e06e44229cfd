"""Settings: anonymous, owner, stranger, malformed; and that they survive what else a person changes."""

from typing import Any

import httpx
import pytest
from kit.ids import new_id

from services.auth.tests.people import Person, register

SETTINGS, PROFILE = "/api/v1/users/settings", "/api/v1/users/profile"
AT_FIRST: dict[str, Any] = {
    "language": "ko",
    "time_zone": "Asia/Seoul",
    "theme": "system",
    "defaults": {
        "account_id": None,
        "market": "KRX",
        "symbol": None,
        "order_type": "limit",
        "time_in_force": "day",
        "chart_interval": "1d",
    },
}


async def test_an_owner_sees_and_replaces_the_own_settings_only(haneul: Person, http: httpx.AsyncClient) -> None:
    assert (await http.get(SETTINGS, headers=haneul.bearer)).json() == AT_FIRST
    chosen = {"account_id": str(new_id()), "market": "US", "symbol": "BRK.B", "chart_interval": "1m"}
    wish = {"language": "en", "time_zone": "Europe/Berlin", "theme": "dark", "defaults": chosen}
    changed = await http.put(SETTINGS, json=wish, headers=haneul.bearer)
    assert changed.json() == {**wish, "defaults": {**AT_FIRST["defaults"], **chosen}}
    assert (await http.get(SETTINGS, headers=haneul.bearer)).json() == changed.json()
    profile = (await http.get(PROFILE, headers=haneul.bearer)).json()
    assert (profile["language"], profile["time_zone"], profile["name"]) == ("en", "Europe/Berlin", "김하늘")
    stranger = await register(http, "minjun@example.com")
    await stranger.logs_in()
    assert (await http.get(SETTINGS, headers=stranger.bearer)).json() == AT_FIRST


async def test_a_profile_that_changes_leaves_theme_and_defaults_alone(haneul: Person) -> None:
    wish = {**AT_FIRST, "theme": "light"}
    await haneul.http.put(SETTINGS, json=wish, headers=haneul.bearer)
    profile = {"name": "Haneul Kim", "language": "en", "time_zone": "Asia/Seoul"}
    await haneul.http.put(PROFILE, json=profile, headers=haneul.bearer)
    shown = (await haneul.http.get(SETTINGS, headers=haneul.bearer)).json()
    assert shown == {**wish, "language": "en"}


@pytest.mark.requirement("R-48")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"theme": "pink"}, "theme"),
        ({"language": "de"}, "language"),
        ({"time_zone": "Moon/Base"}, "time_zone"),
        ({"role": "admin"}, "role"),
        ({"defaults": {"market": "MOON"}}, "defaults.market"),
        ({"defaults": {"symbol": "x" * 17}}, "defaults.symbol"),
        ({"defaults": {"symbol": "<b>"}}, "defaults.symbol"),
        ({"defaults": {"daily_trades_max": 9}}, "defaults.daily_trades_max"),
    ],
)
async def test_what_is_no_setting_is_refused(haneul: Person, change: dict[str, Any], field: str) -> None:
    answer = await haneul.http.put(SETTINGS, json={**AT_FIRST, **change}, headers=haneul.bearer)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_nobody_has_no_settings(http: httpx.AsyncClient) -> None:
    for method in ("GET", "PUT"):
        assert (await http.request(method, SETTINGS, json=AT_FIRST)).status_code == 401
