"""Ask for what is due beside a password or another provider's word: a code, or a passkey's signature."""

from dataclasses import dataclass, field
from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.ceremonies import Credential, RelyingParty
from auth.domain.audit import AuditEntry
from auth.domain.second_factor import Way
from auth.domain.user import UserId
from auth.errors import OtpRequired, PasskeyRefused
from auth.sealing import Sealer
from auth.store import audit, passkeys, second_factors
from auth.usecases.check_code import check_code
from auth.usecases.check_passkey import check_passkey


@dataclass(frozen=True, slots=True)
class SecondProof:
    """What somebody shows besides, and what it is judged by."""

    sealer: Sealer
    party: RelyingParty
    otp: str | None = field(repr=False, default=None)
    """A code of the authenticator app, or a recovery code."""
    passkey: Credential | None = None
    """The signature of a challenge for logging in."""


async def check_second_factor(
    session: Transaction, proof: SecondProof, owner: UserId, now: datetime
) -> AppError | None:
    """Return None when the owner may pass, else the refusal: a value, because what was tried must be saved.

    The account is locked. A passkey does where a code is due; where only a passkey is wanted, no code does.
    """
    factor = await second_factors.lock(session, owner)
    coded = factor is not None and factor.activated_at is not None
    if not coded and not await second_factors.find_passkey_wanted(session, owner):
        return None
    if proof.passkey is not None:
        account = await check_passkey(session, proof.party, proof.passkey, "log_in", None, now)
        if account is not None and account.user.id == owner:
            return None
        await audit.record(session, now, AuditEntry("", "second_factor_failed", str(owner), new={"by": "passkey"}))
        return PasskeyRefused()
    if proof.otp is not None and coded and factor is not None:
        return await check_code(session, proof.sealer, factor, proof.otp, now)
    ways: list[Way] = ["otp"] if coded else []
    if await passkeys.find_count(session, owner):
        ways.append("passkey")
    return OtpRequired(ways)
