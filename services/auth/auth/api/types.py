"""What auth reads and writes over HTTP, bounded."""

import unicodedata
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, EmailStr, Field

from auth.domain import email
from auth.domain.email import EMAIL_LENGTH_MAX
from auth.domain.password import PASSWORD_LENGTH_MAX
from auth.domain.session import TOKEN_LENGTH
from auth.domain.user import NAME_LENGTH_MAX, TIME_ZONE_LENGTH_MAX

COOKIE = "__Host-exodus-refresh"
DEVICE_COOKIE = "__Host-exodus-device"
"""Tells that an account was used on this device before; it opens nothing."""
OTP_LENGTH_MAX = 32
SERVICE_NAME_LENGTH_MAX = 32
SERVICE_SECRET_LENGTH_MAX = 256


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def _plain_name(name: str) -> str:
    plain = unicodedata.normalize("NFC", name).strip()
    if not plain:
        raise ValueError("must not be empty")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in plain):
        raise ValueError("must not hold control characters")
    return plain


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError('is not a time zone: write it like "Asia/Seoul"')
    return name


Email = Annotated[
    EmailStr, Field(max_length=EMAIL_LENGTH_MAX, examples=["haneul.kim@example.com"]), AfterValidator(email.normalise)
]
Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_LENGTH_MAX)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX, examples=["김하늘"]), AfterValidator(_plain_name)]
TimeZone = Annotated[str, Field(max_length=TIME_ZONE_LENGTH_MAX, examples=["Asia/Seoul"]), AfterValidator(_time_zone)]
RefreshTokenText = Annotated[str, Field(min_length=TOKEN_LENGTH, max_length=TOKEN_LENGTH)]
Otp = Annotated[str, Field(min_length=1, max_length=OTP_LENGTH_MAX, examples=["123456", "abcd-efgh-ijkl-mnop"])]
MailToken = Annotated[str, Field(min_length=TOKEN_LENGTH, max_length=TOKEN_LENGTH)]
ServiceName = Annotated[str, Field(min_length=1, max_length=SERVICE_NAME_LENGTH_MAX)]
ServiceSecret = Annotated[str, Field(min_length=1, max_length=SERVICE_SECRET_LENGTH_MAX)]
