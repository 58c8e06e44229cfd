"""The emulator's gate: keys, tokens, and calls a second."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from quant.markets.calendar import SEOUL

TOKEN_LIFE: Final = timedelta(hours=24)
SAME_TOKEN_FOR: Final = timedelta(hours=6)
TOKEN_EVERY: Final = timedelta(minutes=1)


@dataclass
class Answer:
    """An error the gate gives."""

    status: int
    body: dict[str, str]


def problem(code: str, text: str, status: int = 500) -> Answer:
    """An error of the gateway, in the shape of every ordinary answer."""
    return Answer(status, {"rt_cd": "1", "msg_cd": code, "msg1": text})


@dataclass
class Gate:
    """What a caller must get past; `calls_per_second` is 20 on the real environment and 2 on the paper one."""

    clock: Callable[[], datetime]
    calls_per_second: int
    keys: dict[str, str] = field(default_factory=dict)
    """appkey → appsecret; empty lets every pair in, for people's own clients."""
    tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    asked: dict[str, datetime] = field(default_factory=dict)
    tokens_issued: int = 0
    _calls: dict[str, deque[datetime]] = field(default_factory=dict)

    def issue(self, key: str, secret: str) -> dict[str, str | int] | Answer:
        """A token for a key: at most once a minute, the same one for six hours."""
        if self.keys and key not in self.keys:
            return Answer(403, {"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."})
        if self.keys and self.keys[key] != secret:
            return Answer(403, {"error_code": "EGW00105", "error_description": "유효하지 않은 AppSecret입니다."})
        now = self.clock()
        if key in self.asked and now - self.asked[key] < TOKEN_EVERY:
            text = "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)"
            return Answer(403, {"error_code": "EGW00133", "error_description": text})
        self.asked[key] = now
        self.tokens_issued += 1
        token, since = self.tokens.get(key, ("", datetime.min.replace(tzinfo=now.tzinfo)))
        if now - since > SAME_TOKEN_FOR:
            token, since = secrets.token_urlsafe(48), now
            self.tokens[key] = (token, since)
        until = since + TOKEN_LIFE
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int((until - now).total_seconds()),
            "access_token_token_expired": f"{until.astimezone(SEOUL):%Y-%m-%d %H:%M:%S}",
        }

    def revoke(self, key: str) -> None:
        """Forget the token of a key."""
        self.tokens.pop(key, None)

    def check(self, key: str, authorization: str) -> Answer | None:
        """Why a call may not pass; None when it may."""
        token, since = self.tokens.get(key, ("", self.clock()))
        if not token or authorization != f"Bearer {token}":
            return problem("EGW00121", "유효하지 않은 token 입니다.")
        if self.clock() - since > TOKEN_LIFE:
            return problem("EGW00123", "기간이 만료된 token 입니다.")
        calls, now = self._calls.setdefault(key, deque()), self.clock()
        while calls and now - calls[0] >= timedelta(seconds=1):
            calls.popleft()
        if len(calls) >= self.calls_per_second:
            return problem("EGW00201", "초당 거래건수를 초과하였습니다.")
        calls.append(now)
        return None
