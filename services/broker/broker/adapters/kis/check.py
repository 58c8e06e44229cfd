"""Whether credentials open KIS's door: ask for the account's balance with them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import httpx

from broker.adapters.balance import Balance
from broker.adapters.kis.client import Client, Credentials, Environment
from broker.adapters.kis.connector import Kis
from broker.adapters.line import Tokens
from broker.brokers import Line
from broker.domain.connection import Secrets
from broker.domain.order import ClientKey

TIMEOUT_SECONDS: Final = 5.0


async def look(
    line: Line, environment: Environment, secrets: Secrets, tokens: Tokens, clock: Callable[[], datetime]
) -> Balance:
    """The account's balance.

    Raises:
        KeyRefused: when KIS does not know these keys.
        NotSent: when it gives no token now.
        Unreachable: when it does not answer, or does not show the account.
    """
    fields = secrets.fields
    account = fields["account"]
    credentials = Credentials(fields["app_key"], fields["app_secret"], account[:8], account[8:])
    token = tokens.of("KIS", (environment, credentials.app_key, credentials.app_secret), line.calls_per_second)
    async with httpx.AsyncClient(base_url=line.rest, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        return await Kis(Client(http, environment, credentials, clock, token), _nobody).balance()


async def _nobody(_: Sequence[str]) -> Mapping[str, ClientKey]:
    return {}
