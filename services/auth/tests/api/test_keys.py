"""Public keys, and tokens for services."""

import httpx
import jwt
import pytest
from auth.config import Settings
from kit.auth import TokenVerifier

from services.auth.tests.people import SERVICE_SECRET, Person

SERVICE_TOKEN = "/internal/service-token"


async def test_anybody_can_verify_our_tokens_by_the_published_key(haneul: Person) -> None:
    answer = await haneul.http.get("/.well-known/jwks.json")
    assert set(answer.json()["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    keys = {entry["kid"]: jwt.PyJWK(entry, algorithm="ES256").key for entry in answer.json()["keys"]}
    verifier = TokenVerifier(issuer="exodus", audience="exodus", keys=keys)
    assert str((await verifier.verify(haneul.access_token)).user_id) == haneul.id


async def test_a_service_gets_a_token_for_its_secret(http: httpx.AsyncClient, app: object) -> None:
    answer = await http.post(SERVICE_TOKEN, json={"service": "backtest", "secret": SERVICE_SECRET})
    assert answer.status_code == 200
    identity = await app.state.verifier.verify(answer.json()["access_token"])  # type: ignore[attr-defined]
    assert (identity.role, identity.name) == ("service", "backtest")
    assert answer.json()["expires_in"] == 600


WRONG: list[tuple[dict[str, str], int]] = [
    ({"service": "backtest", "secret": "wrong"}, 401),
    ({"service": "market", "secret": SERVICE_SECRET}, 401),
    ({"service": "", "secret": SERVICE_SECRET}, 422),
    ({"service": "backtest", "secret": ""}, 422),
    ({"service": "backtest", "secret": "x" * 257}, 422),
    ({"service": "backtest"}, 422),
]


async def test_a_wrong_service_secret_opens_nothing(http: httpx.AsyncClient) -> None:
    for body, status in WRONG:
        assert (await http.post(SERVICE_TOKEN, json=body)).status_code == status, body


def test_a_service_secret_that_can_be_guessed_is_refused_at_the_start(settings: Settings) -> None:
    with pytest.raises(ValueError, match="at least 32"):
        Settings(**{**settings.model_dump(), "service_secrets": {"backtest": "short"}})
