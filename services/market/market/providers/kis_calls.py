"""Calls of KIS's domestic stocks with the key of one account: its token, and its limit of calls a second.

Two calls a second on paper, about twenty on a real account: more is told with HTTP 500 and EGW00201. A token lives a
day and may be asked for once a minute, so one is kept until shortly before its end.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from market.providers.caller import Caller, Sleep
from market.providers.port import Limited, NotAllowed, ProviderError, Unreadable

TOKEN: Final = "/oauth2/tokenP"  # noqa: S105 - a path
STOCKS: Final = "/uapi/domestic-stock/v1/"
TOO_FAST: Final = "EGW00201"
TOKEN_TOO_SOON: Final = "EGW00133"  # noqa: S105 - a code
TOKEN_PAUSE_SECONDS: Final = 60.0
BAD_TOKEN: Final = frozenset({"EGW00121", "EGW00122", "EGW00123"})
BAD_KEY: Final = frozenset({"EGW00103", "EGW00105", "EGW00206"})
"""The key, its secret, or what it may call: only a person can change that."""
TRIES_MAX: Final = 5
PACE_SECONDS: Final = 0.5
WAIT_SECONDS: Final = 1.0
EARLIER: Final = timedelta(minutes=10)


class KisCalls:
    """One key, for everything that is asked with it."""

    def __init__(self, caller: Caller, key: str, secret: str, clock: Callable[[], datetime], sleep: Sleep) -> None:
        self._caller = caller
        self._key = key
        self._secret = secret
        self.clock = clock
        self._sleep = sleep
        self._token = ""
        self._ends: datetime | None = None

    async def ask(self, call: str, transaction: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """The body of an answer.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        for _ in range(TRIES_MAX):
            headers = {
                "authorization": f"Bearer {await self._current_token()}",
                "appkey": self._key,
                "appsecret": self._secret,
                "tr_id": transaction,
                "custtype": "P",
            }
            told = await self._caller.call_json("GET", STOCKS + call, params=params, headers=headers)
            if told.get("rt_cd") == "0":
                return dict(told)
            code = _code_of(told)
            if code in BAD_TOKEN:
                self._ends = None
            elif code != TOO_FAST:
                raise _failure(told)
            await self._sleep(WAIT_SECONDS)
        raise Limited("KIS wants fewer calls a second", WAIT_SECONDS)

    async def _current_token(self) -> str:
        if self._ends is None or self.clock() >= self._ends - EARLIER:
            body = {"grant_type": "client_credentials", "appkey": self._key, "appsecret": self._secret}
            told = await self._caller.call_json("POST", TOKEN, json=body)
            if not isinstance(told.get("access_token"), str):
                raise _failure(told)
            self._token = told["access_token"]
            self._ends = self.clock() + timedelta(seconds=int(told.get("expires_in", 0)))
        return self._token


def _code_of(told: Mapping[str, Any]) -> str:
    """What it is that KIS says; its gate and its houses have different names for that."""
    return str(told.get("error_code") or told.get("msg_cd") or "")


def _failure(told: Mapping[str, Any]) -> ProviderError:
    """What follows from a refusal: a key that somebody has to change, a token to wait for, or something unheard of."""
    code, text = _code_of(told), told.get("error_description") or told.get("msg1")
    said = f"KIS says {code}: {text}"
    if code in BAD_KEY:
        return NotAllowed(f"{said}; check the key, its secret, and what it was registered for")
    return Limited(said, TOKEN_PAUSE_SECONDS) if code == TOKEN_TOO_SOON else Unreadable(said)


def rows_of(symbol: str, told: Mapping[str, Any]) -> list[Mapping[str, str]] | None:
    """The rows of a chart, without the empty objects that fill a page up; None of a symbol that KIS does not know.

    Raises:
        Unreadable: when there are none to be found.
    """
    if not isinstance(rows := told.get("output2"), list):
        raise Unreadable(f"KIS sent no output2 for {symbol}")
    found = [row for row in rows if row]
    return found if found or (told.get("output1") or {}).get("hts_kor_isnm") else None
