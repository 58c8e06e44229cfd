"""Auth and market as alerts on rules meet them: a real server on loopback that speaks their internal routes."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Response


@dataclass
class Neighbours:
    """The closes market has of each symbol, by when their bars began; and how market is."""

    closes: dict[str, dict[datetime, int]] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    token: str = "first"

    def trades(self, symbol: str, start: datetime, close: int) -> None:
        """One more bar."""
        self.closes.setdefault(symbol, {})[start] = close

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/internal/service-token")
        def service_token(body: dict[str, str]) -> dict[str, Any]:
            assert body["service"] == "notification"
            return {"access_token": self.token, "expires_in": 600}

        @app.get("/internal/minutes")
        def minutes(authorization: Annotated[str, Header()], symbols: str, interval: str, bars_max: int) -> Any:
            self.asked.append(interval)
            if refused := self._refused(authorization):
                return refused
            return {symbol: self._bars(symbol)[-bars_max:] for symbol in symbols.split(",")}

        @app.get("/internal/bars")
        def bars(
            authorization: Annotated[str, Header()], symbols: str, last: Annotated[date, Query(alias="to")]
        ) -> Any:
            self.asked.append("1d")
            if refused := self._refused(authorization):
                return refused
            found = {}
            for symbol in symbols.split(","):
                kept = [bar for bar in self._bars(symbol) if date.fromisoformat(bar["time"][:10]) <= last]
                columns = {name: [bar[name] for bar in kept] for name in ("open", "high", "low", "close", "volume")}
                found[symbol] = {"date": [bar["time"][:10] for bar in kept]} | columns
            return found

        return app

    def _refused(self, authorization: str) -> Response | None:
        if authorization != f"Bearer {self.token}":
            return Response(status_code=401)
        return None if self.status == 200 else Response(status_code=self.status)

    def _bars(self, symbol: str) -> list[dict[str, Any]]:
        return [
            {"time": start.isoformat(), "volume": 10, "halted": False}
            | dict.fromkeys(("open", "high", "low", "close"), close)
            for start, close in sorted(self.closes.get(symbol, {}).items())
        ]
