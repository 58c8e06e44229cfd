"""Auth and market as automations meet them: a real server on loopback that speaks their internal routes."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Annotated, Any

import polars as pl
from fastapi import FastAPI, Header, Query, Response
from quant.markets.calendar import sessions_between

FIRST, LAST = date(2023, 1, 2), date(2024, 12, 30)
SESSIONS = sessions_between("KRX", FIRST, LAST)
COLUMNS = ("open", "high", "low", "close", "volume")
PANEL_SCHEMA: dict[str, Any] = {"symbol": pl.String, "day": pl.Date, **dict.fromkeys(COLUMNS, pl.Float64)}
PANEL_SCHEMA |= {"board": pl.String, "kind": pl.String, "delisted_on": pl.Date}


def a_walk(seed: int) -> dict[str, list[float]]:
    """Daily bars of a price that wanders, the same for every call, on the tick grid of its band."""
    chance, price = Random(seed), 56_000
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for _ in SESSIONS:
        opened = price
        price = max(50_100, min(90_000, round(opened * (1 + chance.gauss(0, 0.02)) / 100) * 100))
        high, low = max(opened, price) + 100, min(opened, price) - 100
        for name, value in zip(COLUMNS, (opened, high, low, price, chance.randrange(1_000, 900_000)), strict=True):
            columns[name].append(float(value))
    return columns


@dataclass
class Neighbours:
    """What market has, and how it is."""

    days: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {"005930": a_walk(7), "000660": a_walk(8)})
    minutes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    missing: set[tuple[str, date]] = field(default_factory=set)
    """Days that a panel has no bar of."""
    status: int = 200
    questions: int = 0

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/service-token")
        def service_token(body: dict[str, str]) -> dict[str, Any]:
            assert body["service"] == "trading"
            return {"access_token": "good", "expires_in": 600}

        @app.get("/internal/bars")
        def bars(
            authorization: Annotated[str, Header()], symbols: str, last: Annotated[date, Query(alias="to")]
        ) -> Any:
            self.questions += 1
            if authorization != "Bearer good" or self.status != 200:
                return Response(status_code=401 if self.status == 200 else self.status)
            kept = [place for place, day in enumerate(SESSIONS) if day <= last]
            dates = [SESSIONS[place].isoformat() for place in kept]
            return {
                symbol: {"date": dates} | {name: [values[place] for place in kept] for name, values in columns.items()}
                for symbol in symbols.split(",")
                if (columns := self.days.get(symbol)) is not None
            }

        @app.get("/internal/minutes")
        def minutes(symbols: str, bars_max: int) -> dict[str, Any]:
            self.questions += 1
            return {symbol: self.minutes.get(symbol, [])[-bars_max:] for symbol in symbols.split(",")}

        @app.post("/internal/panel")
        def panel(asked: dict[str, Any]) -> Response:
            self.questions += 1
            rows = self.rows_of(asked["symbols"], date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"]))
            body = BytesIO()
            pl.DataFrame(rows, schema=PANEL_SCHEMA).write_parquet(body)
            return Response(body.getvalue() if self.status == 200 else b"", status_code=self.status)

        return app

    def rows_of(self, symbols: list[str], first: date, last: date) -> list[dict[str, Any]]:
        """The bars of a universe; all are shares of KOSPI, and none has left."""
        listed = {"board": "KOSPI", "kind": "stock", "delisted_on": None}
        return [
            {"symbol": symbol, "day": day, **{name: values[place] for name, values in columns.items()}, **listed}
            for symbol, columns in sorted(self.days.items())
            if not symbols or symbol in symbols
            for place, day in enumerate(SESSIONS)
            if first <= day <= last and (symbol, day) not in self.missing
        ]

    def close_of(self, symbol: str, day: date) -> float:
        return self.days[symbol]["close"][SESSIONS.index(day)]

    def trade_minute(self, symbol: str, start: datetime, close: int) -> None:
        """One more minute, which may never stand still."""
        bar = {"time": start.isoformat(), "open": str(close), "high": str(close), "low": str(close)}
        self.minutes.setdefault(symbol, []).append(bar | {"close": str(close), "volume": 10, "halted": False})


MINUTE = timedelta(minutes=1)
