"""Time-based one-time passwords (RFC 6238) as authenticator apps know them: SHA-1, six digits, 30 seconds."""

import base64
import hmac
from datetime import datetime

import pyotp

from auth.domain.second_factor import CODE_DIGITS, STEP_SECONDS, WINDOW_STEPS

ISSUER = "Exodus"


def text_of(secret: bytes) -> str:
    """Write a secret as it is typed into an app by hand."""
    return base64.b32encode(secret).decode()


def uri_of(secret: bytes, email: str) -> str:
    """Return the `otpauth://` address that is shown as a QR code."""
    return pyotp.TOTP(text_of(secret)).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """Return the time step a code belongs to, if it is one of those around now; takes as long either way."""
    if len(code) != CODE_DIGITS or not code.isascii() or not code.isdecimal():
        return None
    generator = pyotp.TOTP(text_of(secret))
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(current - WINDOW_STEPS, current + WINDOW_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step), code):
            found = step
    return found
