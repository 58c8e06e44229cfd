"""Codes of the second factor: each time step works once, wrong ones make everybody wait longer and longer."""

import base64
import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from auth.domain.user import UserId

Way = Literal["otp", "passkey"]
"""How what is due beside a password may be shown."""
SECRET_BYTES = 20
"""160 bits, as RFC 4226 recommends."""
STEP_SECONDS = 30
WINDOW_STEPS = 1
"""How many steps before and after now are good: clocks differ."""
CODE_DIGITS = 6
FREE_FAILURES = 5
BACK_OFF_FIRST = timedelta(seconds=30)
BACK_OFF_MAX = timedelta(hours=1)
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 bits: nobody guesses one, and nobody tries all of them against a stolen database either."""
RECOVERY_GROUP = 4


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What is kept of a second factor; the secret is sealed."""

    owner: UserId
    sealed: bytes
    activated_at: datetime | None
    last_step: int
    failures: int
    failed_at: datetime | None


class Answer(enum.Enum):
    """What a code is worth."""

    PASSED = "the code is right, and had not been used"
    USED = "the code was right, but has been used, or an earlier or later one has"
    WRONG = "no code of this moment"


def wait_of(factor: SecondFactor, now: datetime) -> timedelta | None:
    """Return how long to wait before the next code is looked at; None when it is now.

    Five wrong codes are free; then the wait begins at 30 seconds and doubles up to an hour.
    """
    if factor.failures < FREE_FAILURES or factor.failed_at is None:
        return None
    doublings = min(factor.failures - FREE_FAILURES, 10)
    until = factor.failed_at + min(BACK_OFF_FIRST * 2**doublings, BACK_OFF_MAX)
    return until - now if until > now else None


def judge(factor: SecondFactor, step: int | None) -> Answer:
    """Decide about a code, given the time step it belongs to; None when it belongs to none of those that count."""
    if step is None:
        return Answer.WRONG
    return Answer.PASSED if step > factor.last_step else Answer.USED


def normalise(code: str) -> str:
    """Return a code as it is compared: people copy it with spaces and hyphens."""
    return code.replace(" ", "").replace("-", "").lower()


def is_recovery_code(code: str) -> bool:
    """Tell a normalised recovery code from one of the authenticator."""
    return len(code) == RECOVERY_BYTES * 8 // 5


def recovery_code_of(secret: bytes) -> str:
    """Write 80 random bits as people copy them: `abcd-efgh-ijkl-mnop`."""
    text = base64.b32encode(secret).decode().lower()
    return "-".join(text[at : at + RECOVERY_GROUP] for at in range(0, len(text), RECOVERY_GROUP))
