"""The second factor: an authenticator app with recovery codes for the day it is lost, or one of two passkeys."""

import secrets

from fastapi import APIRouter
from kit.auth import CurrentUser, RecentUser
from kit.clock import now
from kit.db import OwnedSession, Session, SystemSession
from kit.errors import AUTHENTICATED, NotFound, StepUpRequired, responses
from pydantic import BaseModel, ConfigDict, StrictBool

from auth.api.types import Otp
from auth.domain.second_factor import RECOVERY_BYTES, RECOVERY_CODES, SECRET_BYTES, recovery_code_of
from auth.domain.user import UserId
from auth.errors import (
    OtpWrong,
    PasswordTooShortAlone,
    SecondFactorActive,
    SecondFactorMissing,
    TooFewPasskeys,
    TooManyAttempts,
)
from auth.resources import Opened
from auth.store import second_factors, users
from auth.totp import text_of, uri_of
from auth.usecases.activate_second_factor import activate_second_factor
from auth.usecases.disable_second_factor import disable_second_factor
from auth.usecases.enroll_second_factor import enroll_second_factor
from auth.usecases.renew_recovery_codes import renew_recovery_codes
from auth.usecases.want_passkey import want_passkey

router = APIRouter(prefix="/api/v1/auth/2fa", tags=["second factor"])

CODE_FAILURES = (StepUpRequired, OtpWrong, SecondFactorMissing, TooManyAttempts)


class Enrolment(BaseModel):
    """A secret for an authenticator app, as text and as the address of a QR code. Shown this once."""

    secret: str
    otpauth_uri: str


class Code(BaseModel):
    """A code of the authenticator app; a recovery code does as well, except to activate."""

    model_config = ConfigDict(extra="forbid")

    code: Otp


class PasskeyWish(BaseModel):
    """Whether a password is to be worth nothing without a passkey, or an authenticator app where there is one."""

    model_config = ConfigDict(extra="forbid")

    required: StrictBool


class SecondFactorsShown(BaseModel):
    """What is asked for beside your password."""

    authenticator: bool
    passkey_required: bool


class RecoveryCodes(BaseModel):
    """Codes that each stand in once for the authenticator app. Shown this once."""

    recovery_codes: list[str]


@router.get("", responses=AUTHENTICATED)
async def get_second_factors(session: OwnedSession, user: CurrentUser) -> SecondFactorsShown:
    """Show what is asked for beside your password."""
    return await _second_factors(session, UserId(user.user_id))


@router.put(
    "/passkeys", responses={**AUTHENTICATED, **responses(StepUpRequired, TooFewPasskeys, PasswordTooShortAlone)}
)
async def put_passkey_wish(body: PasskeyWish, user: RecentUser, session: SystemSession) -> SecondFactorsShown:
    """Want one of your passkeys beside your password, or no longer. Needs fresh authentication, and two passkeys."""
    owner = UserId(user.user_id)
    await want_passkey(session, owner, now(), wanted=body.required)
    return await _second_factors(session, owner)


@router.post("/enroll", responses={**AUTHENTICATED, **responses(StepUpRequired, SecondFactorActive, NotFound)})
async def enroll(resources: Opened, user: RecentUser) -> Enrolment:
    """Begin with a second factor; it counts once it is activated by a code. Needs fresh authentication."""
    owner = UserId(user.user_id)
    secret = secrets.token_bytes(SECRET_BYTES)
    async with resources.database.system() as session:
        known = await users.find(session, owner)
        if known is None:
            raise NotFound("This account does not exist any more.")
        await enroll_second_factor(session, resources.sealer, owner, secret, now())
    return Enrolment(secret=text_of(secret), otpauth_uri=uri_of(secret, known.email))


@router.post("/activate", responses={**AUTHENTICATED, **responses(*CODE_FAILURES, SecondFactorActive)})
async def activate(body: Code, resources: Opened, user: CurrentUser) -> RecoveryCodes:
    """Activate the enrolled second factor by its first code, and get the recovery codes."""
    owner, codes = UserId(user.user_id), _fresh_codes()
    async with resources.database.system() as session:
        refusal = await activate_second_factor(session, resources.sealer, owner, body.code, codes, now())
    if refusal is not None:
        raise refusal
    return RecoveryCodes(recovery_codes=codes)


@router.post(
    "/disable", status_code=204, responses={**AUTHENTICATED, **responses(*CODE_FAILURES, PasswordTooShortAlone)}
)
async def disable(body: Code, resources: Opened, user: RecentUser) -> None:
    """Do without a second factor again. Needs fresh authentication and a code."""
    owner = UserId(user.user_id)
    async with resources.database.system() as session:
        refusal = await disable_second_factor(session, resources.sealer, owner, body.code, now())
    if refusal is not None:
        raise refusal


@router.post("/recovery-codes", responses={**AUTHENTICATED, **responses(*CODE_FAILURES)})
async def renew(body: Code, resources: Opened, user: RecentUser) -> RecoveryCodes:
    """Replace all recovery codes, used or not. Needs fresh authentication and a code."""
    owner, codes = UserId(user.user_id), _fresh_codes()
    async with resources.database.system() as session:
        refusal = await renew_recovery_codes(session, resources.sealer, owner, body.code, codes, now())
    if refusal is not None:
        raise refusal
    return RecoveryCodes(recovery_codes=codes)


async def _second_factors(session: Session, owner: UserId) -> SecondFactorsShown:
    return SecondFactorsShown(
        authenticator=await second_factors.find_active(session, owner),
        passkey_required=await second_factors.find_passkey_wanted(session, owner),
    )


def _fresh_codes() -> list[str]:
    return [recovery_code_of(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
