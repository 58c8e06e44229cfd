"""What trading believes of tokens nobody issued: nothing, as the gateway and every other service."""

import pytest
from kit.testing.fixtures import client
from kit.testing.forged_tokens import believed
from kit.testing.issuer import Issuer
from trading.app import create_app
from trading.config import Settings


@pytest.mark.requirement("R-42")
async def test_no_forged_token_is_believed(settings: Settings) -> None:
    issuer = Issuer.new()
    async with client(create_app(settings, issuer.verifier())) as http:
        assert await believed(http, "/api/v1/trading/accounts", issuer) == []
