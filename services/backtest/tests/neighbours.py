"""Auth and market as backtest meets them: a real server on loopback that speaks their two internal routes."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from typing import Annotated, Any

import polars as pl
import uvicorn
from fastapi import Body, FastAPI, Header, Query, Response

SECRET = "7be0c1f4a95d4e6f8123d09ab6e2c475"
FIRST_DAY = date(2015, 1, 5)
DAYS = 1_000
START_SECONDS_MAX = 60
HELD_SECONDS_MAX = 300
EMPTY = pl.DataFrame(schema={"symbol": pl.String, "day": pl.Date})


def weekdays(count: int, first: date = FIRST_DAY) -> list[date]:
    days = (first + timedelta(days=number) for number in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


def a_walk(seed: int, count: int = DAYS) -> dict[str, list[Any]]:
    """Bars of a price that wanders, the same for every call."""
    chance = random.Random(seed)
    price, columns = 50_000.0, {name: [] for name in ("open", "high", "low", "close", "volume")}
    for _ in range(count):
        opened, price = price, max(1_000.0, price * (1 + chance.gauss(0.0003, 0.015)))
        columns["open"].append(round(opened))
        columns["high"].append(round(max(opened, price) * 1.005))
        columns["low"].append(round(min(opened, price) * 0.995))
        columns["close"].append(round(price))
        columns["volume"].append(chance.randrange(1_000, 1_000_000))
    return {"date": [day.isoformat() for day in weekdays(count)], **columns}


@dataclass
class Neighbours:
    """What the two services have, how they are, and what they were asked."""

    url: str = ""
    bars: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    expires_in: int = 600
    market_status: int = 200
    auth_status: int = 200
    market_body: bytes | None = None
    held: threading.Event | None = None
    """Until it is set, market does not answer."""

    def reset(self) -> None:
        self.__init__(url=self.url, bars={"005930": a_walk(7), "AAPL": a_walk(8)})  # type: ignore[misc]

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/service-token")
        def service_token(body: dict[str, str]) -> Any:
            if self.auth_status != 200 or body != {"service": "backtest", "secret": SECRET}:
                return Response(status_code=self.auth_status if self.auth_status != 200 else 401)
            self.tokens.append(f"token-{len(self.tokens) + 1}")
            return {"access_token": self.tokens[-1], "expires_in": self.expires_in}

        @app.get("/internal/bars")
        def bars(
            authorization: Annotated[str, Header()],
            symbols: str,
            first: Annotated[date, Query(alias="from")],
            last: Annotated[date, Query(alias="to")],
            interval: str,
        ) -> Any:
            self.questions.append({"symbols": symbols, "interval": interval, "token": authorization})
            if self.held is not None:
                self.held.wait(HELD_SECONDS_MAX)
            if not self.tokens or authorization != f"Bearer {self.tokens[-1]}":
                return Response(status_code=401)
            if self.market_status != 200 or self.market_body is not None:
                return Response(self.market_body, status_code=self.market_status)
            found = {symbol: self.bars[symbol] for symbol in symbols.split(",") if symbol in self.bars}
            return {symbol: between(columns, first, last) for symbol, columns in found.items()}

        @app.post("/internal/panel")
        def panel(authorization: Annotated[str, Header()], asked: Annotated[dict[str, Any], Body()]) -> Any:
            self.questions.append({**asked, "token": authorization})
            if not self.tokens or authorization != f"Bearer {self.tokens[-1]}":
                return Response(status_code=401)
            if self.market_status != 200 or self.market_body is not None:
                return Response(self.market_body, status_code=self.market_status)
            return Response(a_panel(self.bars, asked))

        return app


def a_panel(bars: dict[str, dict[str, Any]], asked: dict[str, Any]) -> bytes:
    """The rows market gives of a universe: everything but AAPL is Korean, and 000660 leaves after its last bar."""
    first, last = date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"])
    parts = []
    for symbol in sorted(bars):
        if (symbol == "AAPL") != (asked["market"] == "US") or symbol not in (asked["symbols"] or bars):
            continue
        kept = between(bars[symbol], first, last)
        if not kept["date"]:
            continue
        rows = pl.DataFrame(kept).rename({"date": "day"}).with_columns(pl.col("day").str.to_date())
        left = date.fromisoformat(bars[symbol]["date"][-1]) + timedelta(days=1) if symbol == "000660" else None
        known = [pl.lit(float(len(symbol) + place)).alias(name) for place, name in enumerate(asked["figures"])]
        listed = {"symbol": symbol, "board": "US" if symbol == "AAPL" else "KOSPI", "kind": "stock"}
        parts.append(
            rows.with_columns(*known, **{name: pl.lit(text) for name, text in listed.items()}).with_columns(
                delisted_on=pl.lit(left, pl.Date)
            )
        )
    body = BytesIO()
    (pl.concat(parts) if parts else EMPTY).write_parquet(body)
    return body.getvalue()


def between(columns: dict[str, Any], first: date, last: date) -> dict[str, Any]:
    days = [date.fromisoformat(day) for day in columns["date"]]
    kept = [place for place, day in enumerate(days) if first <= day <= last]
    return {
        name: [values[place] for place in kept] if isinstance(values, list) else values
        for name, values in columns.items()
    }


@contextmanager
def serving(neighbours: Neighbours) -> Iterator[Neighbours]:
    """Serve until the end of the block, on a port the system chose."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        neighbours.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(neighbours.app(), log_level="error", ws="none", lifespan="off", timeout_keep_alive=60)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        patience = time.monotonic() + START_SECONDS_MAX
        while not server.started and time.monotonic() < patience:
            time.sleep(0.02)
        yield neighbours
        server.should_exit = True
        thread.join(START_SECONDS_MAX)
