"""People who use the platform, as programs: the demo, the journeys and the benchmarks speak through them.

Everything goes through the gateway, as it would for anybody outside: HTTPS with the stack's own certificate, WebSockets
with the token in the first message.
"""

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx
import websockets

PATIENCE_SECONDS = 60
REQUEST_TIMEOUT_SECONDS = 15
POLL_SECONDS = 0.05
POLITE_TRIES = 5
FINAL = frozenset({"filled", "canceled", "denied", "rejected", "expired", "replaced"})

Json = dict[str, Any]
Part = tuple[str, tuple[str, bytes]]
UPLOAD_FILES_MAX = 500
UPLOAD_BYTES_MAX = 48 << 20


class Refused(Exception):
    """The platform answered with a problem."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable word for what went wrong."""
        return str(self.problem.get("code"))


@dataclass(frozen=True)
class Gateway:
    """Where the platform is, and the certificate that proves it."""

    url: str
    certificate: Path

    @property
    def trust(self) -> ssl.SSLContext:
        """A TLS context that trusts this installation's certificate and nothing else.

        It is the very certificate that is compared, so its names do not matter: one that was signed for the
        installation's public address is shown to this machine as well.
        """
        leaf, end, _signers = self.certificate.read_text().partition("-----END CERTIFICATE-----")
        context = ssl.create_default_context(cadata=f"{leaf}{end}\n")
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """An HTTP client, as the bearer of a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=f"{self.url}/api/v1", verify=self.trust, headers=headers, timeout=REQUEST_TIMEOUT_SECONDS
        )


def answer_of(response: httpx.Response) -> Json:
    """Return the JSON of an answer.

    Raises:
        Refused: when it is a problem, or no JSON at all.
    """
    try:
        body: Json = response.json() if response.content else {}
    except ValueError:
        body = {"code": "no_json", "detail": response.text[:200]}
    if response.is_error:
        raise Refused(response.status_code, body)
    return body


def _files_of(folder: Path) -> list[Part]:
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.parquet")])
    return [("files", (file.name, file.read_bytes())) for file in files]


def _uploads(parts: list[Part]) -> Iterator[list[Part]]:
    """Split files into uploads that the gateway takes."""
    upload: list[Part] = []
    size = 0
    for part in parts:
        bytes_of_part = len(part[1][1])
        if upload and (len(upload) == UPLOAD_FILES_MAX or size + bytes_of_part > UPLOAD_BYTES_MAX):
            yield upload
            upload, size = [], 0
        upload.append(part)
        size += bytes_of_part
    if upload:
        yield upload


@dataclass
class Trader:
    """Somebody with a login. `call` is the whole API; the other methods are the story."""

    gateway: Gateway
    email: str
    password: str
    name: str
    http: httpx.AsyncClient
    token: str = ""
    account_id: str = ""
    user_id: str = ""

    @classmethod
    async def sign_up(cls, gateway: Gateway, name: str = "Kim Minji") -> Self:
        """Register with a fresh address, and log in."""
        trader = cls.stranger(gateway, name)
        created = await trader.call("POST", "/auth/register", email=trader.email, password=trader.password, name=name)
        trader.user_id = str(created["id"])
        await trader.log_in()
        return trader

    @classmethod
    def stranger(cls, gateway: Gateway, name: str, email: str = "", password: str = "") -> Self:
        """Somebody who has not logged in yet."""
        return cls(
            gateway=gateway,
            email=email or f"{secrets.token_hex(6)}@people.example.com",
            password=password or f"{secrets.token_urlsafe(18)} 7",
            name=name,
            http=gateway.client(),
        )

    async def log_in(self) -> None:
        """Exchange the password for a token."""
        tokens = await self.call("POST", "/auth/login", email=self.email, password=self.password)
        self.token = str(tokens["access_token"])
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    async def leave(self) -> None:
        """Close the connection."""
        await self.http.aclose()

    async def call(self, method: str, path: str, **body: Any) -> Json:
        """Call a route under /api/v1, politely: when told to wait, wait. Raise Refused for a problem."""
        for _ in range(POLITE_TRIES):
            answer = await self.http.request(method, path, json=body or None)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
        return answer_of(answer)

    async def opens_account(self, currency: str, cash: Decimal, name: str = "Paper") -> Json:
        """Open a paper account and keep its id."""
        opened = await self.call(
            "POST", "/trading/accounts", name=name, kind="paper", currency=currency, initial_cash=str(cash)
        )
        self.account_id = str(opened["id"])
        return opened

    async def deposits(self, currency: str, amount: Decimal) -> Json:
        """Put paper money into the account."""
        path = f"/trading/accounts/{self.account_id}/deposits"
        return await self.call("POST", path, currency=currency, amount=str(amount))

    def order(self, side: str, symbol: str, quantity: int, **terms: Any) -> Json:
        """The body of an order with a fresh client id: at market unless `limit_price` is given."""
        return {
            "account_id": self.account_id,
            "client_order_id": terms.pop("client_order_id", secrets.token_hex(8)),
            "symbol": symbol,
            "side": side,
            "order_type": "limit" if "limit_price" in terms else "market",
            "quantity": str(quantity),
            "time_in_force": "day",
            **terms,
        }

    async def buys(self, symbol: str, quantity: int, **terms: Any) -> Json:
        """Place a buy order."""
        return await self.call("POST", "/trading/orders", **self.order("buy", symbol, quantity, **terms))

    async def sells(self, symbol: str, quantity: int, **terms: Any) -> Json:
        """Place a sell order."""
        return await self.call("POST", "/trading/orders", **self.order("sell", symbol, quantity, **terms))

    async def until_order(self, order_id: str, statuses: frozenset[str] = FINAL) -> Json:
        """Wait until an order has one of these statuses, and return it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                order = await self.call("GET", f"/trading/orders/{order_id}")
                if order["status"] in statuses:
                    return order
                await asyncio.sleep(POLL_SECONDS)

    async def until(self, path: str, holds: Callable[[Json], bool], patience: float = PATIENCE_SECONDS) -> Json:
        """Wait until what a route shows holds, and return it; what is not there yet is waited for as well."""
        async with asyncio.timeout(patience):
            while True:
                answer = await self.http.get(path)
                if answer.status_code != httpx.codes.NOT_FOUND and holds(shown := answer_of(answer)):
                    return shown
                await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def listens(self, path: str) -> AsyncIterator["Listener"]:
        """Open /ws/account, /ws/market or /ws/backtest and authenticate by the first message."""
        url = f"{self.gateway.url.replace('https', 'wss', 1)}{path}"
        async with websockets.connect(url, ssl=self.gateway.trust, max_size=1 << 20) as socket:
            listener = Listener(socket)
            await listener.says(action="auth", token=self.token)
            await listener.until(lambda message: message["type"] == "authenticated")
            yield listener


@dataclass
class Listener:
    """One open WebSocket and everything it has said; what arrives is read while somebody waits for it."""

    socket: websockets.ClientConnection
    heard: list[Json] = field(default_factory=list)

    async def says(self, **message: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(message))

    async def hears(self) -> Json:
        """Wait for the next message."""
        message: Json = json.loads(await self.socket.recv())
        self.heard.append(message)
        return message

    async def messages(self) -> AsyncIterator[Json]:
        """Every message from now on, until the line breaks."""
        while True:
            yield await self.hears()

    async def until(self, holds: Callable[[Json], bool], since: int = 0, patience: float = PATIENCE_SECONDS) -> Json:
        """Return the first message heard, at or after index `since`, for which this holds; wait for it if need be."""
        async with asyncio.timeout(patience):
            checked = since
            while True:
                while checked < len(self.heard):
                    if holds(self.heard[checked]):
                        return self.heard[checked]
                    checked += 1
                await self.hears()

    async def catches_up(self) -> None:
        """Read everything that has arrived already."""
        while True:
            try:
                async with asyncio.timeout(0.01):
                    await self.hears()
            except TimeoutError:
                return


@dataclass
class Admin(Trader):
    """The operator: imports prices and replays sessions."""

    async def imports(self, folder: Path, form: Mapping[str, str]) -> Json:
        """Upload a folder's CSV or Parquet files of daily bars; what is too much for one upload goes in several.

        Each upload is all or nothing, and the first that is refused ends it.
        """
        total: Json = {"rows": 0, "symbols": 0, "bad": []}
        for parts in _uploads(await asyncio.to_thread(_files_of, folder)):
            answer = await self.http.post("/market/imports", data=dict(form), files=parts, timeout=600)
            report = answer_of(answer)
            for key, value in total.items():
                total[key] = value + report.get(key, type(value)())
        return total

    async def replays(
        self, symbols: list[str], trading_date: str, duration_seconds: int, *, hold_open: bool = True
    ) -> Json:
        """Turn a stored session into live quotes; whatever replays these symbols already is stopped first.

        With `hold_open` the last quotes stay; otherwise the session closes, and with it the day's bar.
        """
        body = {
            "symbols": symbols,
            "trading_date": trading_date,
            "duration_seconds": duration_seconds,
            "hold_open": hold_open,
        }
        while True:
            try:
                return await self.call("POST", "/market/replays", **body)
            except Refused as refused:
                if refused.code != "replay_running":
                    raise
                running = f"/market/replays/{refused.problem['replay_id']}"
                await self.call("DELETE", running)
                await self.until(running, lambda replay: replay["status"] in {"stopped", "finished"})
