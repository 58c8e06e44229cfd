"""Where a symbol of the United States is listed, as KIS's quotations call it: the exchange that has a price of it."""

from typing import Final

from broker.adapters.daylist import No
from broker.adapters.kis import overseas_parse as parse
from broker.adapters.kis.client import Client
from broker.adapters.port import NotSent, Unreachable

QUOTES: Final = "/uapi/overseas-price/v1/quotations/"
EXCHANGES: Final = {"NAS": "NASD", "NYS": "NYSE", "AMS": "AMEX"}
"""The exchanges of the United States: as quotes call them, and as orders do."""
SYMBOLS_MAX: Final = 10_000


class Listings:
    """What one key has found out; an exchange is asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    async def exchange_of(self, symbol: str) -> str | None:
        """The exchange of a symbol, one of `EXCHANGES`; None when none of them has a price of it.

        Raises:
            NotSent: when KIS does not say; nothing else has left us then.
        """
        if symbol in self._known:
            return self._known[symbol]
        for quoted in EXCHANGES:
            query = {"AUTH": "", "EXCD": quoted, "SYMB": symbol}
            try:
                body = await self._client.ask(QUOTES + "price", "HHDFS00000300", query)
            except Unreachable as failed:
                raise NotSent(f"KIS does not say where {symbol} trades: {failed}") from None
            if isinstance(body, No):  # a refused question says nothing about the symbol
                raise NotSent(f"KIS does not say where {symbol} trades: {body.text}")
            if parse.is_quoted(body):
                if len(self._known) >= SYMBOLS_MAX:
                    self._known.clear()
                self._known[symbol] = quoted
                return quoted
        return None


def unknown(symbol: str) -> No:
    """The answer about a symbol that none of them has a price of."""
    return No("unknown_symbol", f"KIS shows {symbol} at no exchange of the United States.")
