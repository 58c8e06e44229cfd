"""Opening a line to a person's broker: which connector, with which credentials."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx
from kit.trust import trust

from broker.adapters.alpaca import client as alpaca
from broker.adapters.alpaca.connector import Alpaca
from broker.adapters.alpaca.market_data import AlpacaMarketData
from broker.adapters.alpaca.market_stream import AlpacaMarketStream
from broker.adapters.balance import Balance
from broker.adapters.daylist import KeysOf
from broker.adapters.kis import client as kis
from broker.adapters.kis.connector import Kis
from broker.adapters.kis.listings import Listings
from broker.adapters.kis.market_data import KisMarketData
from broker.adapters.kis.market_stream import KisMarketStream
from broker.adapters.kis.overseas import KisUs
from broker.adapters.kis.overseas_market_data import KisUsMarketData
from broker.adapters.kis.overseas_market_stream import KisUsMarketStream
from broker.adapters.kiwoom import client as kiwoom
from broker.adapters.kiwoom.connector import Kiwoom
from broker.adapters.kiwoom.market_data import KiwoomMarketData
from broker.adapters.kiwoom.market_stream import KiwoomMarketStream
from broker.adapters.line import Token, Tokens
from broker.adapters.ls import client as ls
from broker.adapters.ls.connector import Ls
from broker.adapters.ls.market_data import LsMarketData
from broker.adapters.ls.market_stream import LsMarketStream
from broker.adapters.market_data import Feed
from broker.adapters.port import Remote
from broker.brokers import Line
from broker.domain.connection import Secrets
from broker.domain.order import ClientKey, Environment

TIMEOUT_SECONDS: Final = 5.0
_HOUSES: Final = {"kis_us": "kis"}
"""Whose key it is: one key has one token and one schedule of turns, whichever of its ledgers is asked."""


@dataclass(frozen=True, slots=True)
class Door:
    """What is needed to open a line to a broker's environment."""

    broker: str
    environment: Environment
    line: Line
    tokens: Tokens
    clock: Callable[[], datetime]

    def client(self) -> httpx.AsyncClient:
        """A client that knows this environment's host and no other."""
        return _client(self.line.rest)

    def data_client(self) -> httpx.AsyncClient:
        """A client that knows the host of its market data and no other."""
        return _client(self.line.data or self.line.rest)

    def open(self, http: httpx.AsyncClient, secrets: Secrets, keys_of: KeysOf) -> Remote:
        """A connector with somebody's credentials. Nothing is sent yet."""
        token = self.tokens.of(self._house, self._whose(secrets), self.line.calls_per_second)
        return _OPEN[self.broker](self, http, secrets.fields, token, keys_of)

    def feed(self, http: httpx.AsyncClient, key: tuple[str, str]) -> Feed:
        """The market data that a key of the operator's own may read. Nothing is sent yet."""
        secrets = Secrets(dict(zip(KEY_FIELDS[self._house], key, strict=True)))
        token = self.tokens.of(self._house, self._whose(secrets), self.line.calls_per_second)
        return _FEEDS[self.broker](self, http, secrets.fields, token)

    def key_print(self, secrets: Secrets) -> bytes:
        """What stands for the key in these credentials, wherever its token is kept."""
        return self.tokens.print_of(self._house, self._whose(secrets))

    @property
    def _house(self) -> str:
        return _HOUSES.get(self.broker, self.broker)

    def _whose(self, secrets: Secrets) -> tuple[str, ...]:
        return (self.environment, self.line.rest, *_ordered(secrets))


def _client(host: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=host, verify=trust(), timeout=TIMEOUT_SECONDS, trust_env=False)


async def look(door: Door, secrets: Secrets) -> Balance:
    """The account behind credentials, which proves that they are right.

    Raises:
        KeyRefused: when the broker does not know these keys, or they are of the other environment.
        NotSent: when it lets nobody in now.
        Unreachable: when it does not answer, or does not show the account.
    """
    async with door.client() as http:
        return await door.open(http, secrets, nobody).balance()


def _ordered(secrets: Secrets) -> tuple[str, ...]:
    """What makes a key: everything but what says whose account it is, of which a key may have several."""
    return tuple(value for field, value in sorted(secrets.fields.items()) if field not in {"account", "hts_id"})


async def nobody(_: Sequence[str]) -> Mapping[str, ClientKey]:
    """Whose orders a broker's numbers are, for those who do not ask about orders."""
    return {}


def _kis(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token, keys_of: KeysOf) -> Remote:
    client = _kis_client(door, http, fields, token)
    return Kis(client, keys_of, stream=door.line.stream, login_name=fields.get("hts_id", ""))


def _kis_us(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token, keys_of: KeysOf) -> Remote:
    client = _kis_client(door, http, fields, token)
    return KisUs(client, keys_of, stream=door.line.stream, login_name=fields.get("hts_id", ""))


def _kis_client(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> kis.Client:
    account = fields.get("account", "")
    keys = kis.Credentials(fields["app_key"], fields["app_secret"], account[:8], account[8:])
    return kis.Client(http, door.environment, keys, door.clock, token)


def _kis_feed(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> Feed:
    client = _kis_client(door, http, fields, token)
    return Feed("kis", "KRX", KisMarketData(client), lambda hear: KisMarketStream(client, door.line.stream, hear))


def _kis_us_feed(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> Feed:
    client = _kis_client(door, http, fields, token)
    listings = Listings(client)
    return Feed(
        "kis_us",
        "US",
        KisUsMarketData(client, listings),
        lambda hear: KisUsMarketStream(client, listings, door.line.stream, hear),
    )


def _ls(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token, keys_of: KeysOf) -> Remote:
    keys = ls.Credentials(fields["app_key"], fields["app_secret"])
    return Ls(ls.Client(http, keys, door.clock, token), keys_of, stream=door.line.stream)


def _kiwoom(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token, keys_of: KeysOf) -> Remote:
    keys = kiwoom.Credentials(fields["app_key"], fields["secret_key"])
    return Kiwoom(kiwoom.Client(http, keys, door.clock, token), keys_of, stream=door.line.stream)


def _ls_feed(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> Feed:
    client = ls.Client(http, ls.Credentials(fields["app_key"], fields["app_secret"]), door.clock, token)
    return Feed("ls", "KRX", LsMarketData(client), lambda hear: LsMarketStream(client, door.line.stream, hear))


def _kiwoom_feed(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> Feed:
    client = kiwoom.Client(http, kiwoom.Credentials(fields["app_key"], fields["secret_key"]), door.clock, token)
    return Feed(
        "kiwoom", "KRX", KiwoomMarketData(client), lambda hear: KiwoomMarketStream(client, door.line.stream, hear)
    )


def _alpaca(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token, keys_of: KeysOf) -> Remote:
    keys = alpaca.Credentials(fields["key_id"], fields["secret_key"])
    return Alpaca(alpaca.Client(http, keys, door.clock, token), keys_of, stream=door.line.stream)


def _alpaca_feed(door: Door, http: httpx.AsyncClient, fields: Mapping[str, str], token: Token) -> Feed:
    client = alpaca.Client(http, alpaca.Credentials(fields["key_id"], fields["secret_key"]), door.clock, token)
    address = door.line.market_stream
    name = address.rstrip("/").rpartition("/")[2]  # iex, sip: whose volume its quotes have is part of their source
    return Feed(
        f"alpaca_{name}", "US", AlpacaMarketData(client, name), lambda hear: AlpacaMarketStream(client, address, hear)
    )


_OPEN: Final = {"kis": _kis, "kis_us": _kis_us, "ls": _ls, "kiwoom": _kiwoom, "alpaca": _alpaca}
_FEEDS: Final = {
    "kis": _kis_feed,
    "kis_us": _kis_us_feed,
    "ls": _ls_feed,
    "kiwoom": _kiwoom_feed,
    "alpaca": _alpaca_feed,
}
KEY_FIELDS: Final = {
    "alpaca": ("key_id", "secret_key"),
    "kis": ("app_key", "app_secret"),
    "kiwoom": ("app_key", "secret_key"),
    "ls": ("app_key", "app_secret"),
}
"""What the two halves of a key are called among credentials."""
