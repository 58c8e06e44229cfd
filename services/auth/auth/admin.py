"""The command line for the operator: `python -m auth.admin create|invite|role|allow|lock|note|...`."""

import argparse
import asyncio
import getpass
import sys
from dataclasses import asdict, replace

from kit.clock import now  # tidy: allow clock because a command line is an entry, like app.py and worker.py
from kit.db import Session as Transaction
from kit.errors import AppError
from kit.ids import new_id
from kit.settings import load
from pydantic import BaseModel, ValidationError

from auth.anchors import read_anchors
from auth.api.permissions import PermissionsShown
from auth.api.types import Email, Name, Password
from auth.config import Settings
from auth.domain import password
from auth.domain.audit import NOTED, AuditEntry
from auth.domain.email import normalise
from auth.domain.rights import Permissions
from auth.domain.user import LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT, Profile, User, UserId
from auth.resources import Resources, open_resources
from auth.stolen import stolen_passwords
from auth.store import audit, system
from auth.usecases.change_rights import Change, change_rights
from auth.usecases.create_admin import create_admin
from auth.usecases.register_user import register_user
from auth.usecases.reseal import reseal
from auth.usecases.reset_second_factor import reset_second_factor
from auth.usecases.verify_audit import verify_audit

ROLES = ("admin", "user", "viewer")
PERMISSIONS = ("paper", "real", "premium")
FIGURES = {"daily-trades": "daily_trades_max", "calls-per-minute": "calls_per_minute_max"}


class NewAdmin(BaseModel):
    """What the command line gives."""

    email: Email
    name: Name


class Secret(BaseModel):
    """What is typed or piped in."""

    password: Password


def read_password(*, from_stdin: bool) -> str:
    """Read a password without showing it: piped in, or typed twice."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    typed = getpass.getpass("Password for the new admin: ")
    if typed != getpass.getpass("Once more: "):
        sys.exit("The two passwords differ; nothing was done.")
    return typed


async def hash_of(resources: Resources, wanted: NewAdmin, given: str) -> str:
    """Hash a password that is good enough; leave with the reason when it is not."""
    chosen = password.normalise(Secret(password=given).password)
    if (weakness := password.weakness_of(chosen, wanted.email, wanted.name, stolen_passwords())) is not None:
        sys.exit(f"The password {weakness}.")
    async with resources.hasher.turn() as turn:
        return await turn.hash(chosen)


async def create(wanted: NewAdmin, *, from_stdin: bool) -> str:
    """Create or promote; return what was done, in words."""
    profile = Profile(wanted.name, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
    user = User(UserId(new_id()), wanted.email, "user", profile, now())
    settings = load(Settings).model_copy(update={"hashing_niceness": 0})  # an operator waits; no flood comes this way
    async with open_resources(settings) as resources:
        async with resources.database.system() as session:
            promoted = await create_admin(session, user, None, now())
        if promoted is not None:
            return f"{promoted.email} is an admin now; the password is what it was."
        password_hash = await hash_of(resources, wanted, read_password(from_stdin=from_stdin))
        async with resources.database.system() as session:
            await create_admin(session, user, password_hash, now())
    return f"{user.email} is an admin now."


async def invite(wanted: NewAdmin) -> str:
    """Open an account without a password; return its id, or that of the account that has the address already.

    Nobody is in it before the owner of the address has chosen a password by the mail for forgotten ones.
    """
    profile = Profile(wanted.name, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
    user = User(UserId(new_id()), wanted.email, "user", profile, now())
    async with open_resources(load(Settings)) as resources, resources.database.system() as session:
        known = await system.find_user(session, user.email)
        if known is None:
            await register_user(session, user, None)
    return str((known or user).id)


async def audit_verify() -> str:
    """Check the audit log; leave with what is wrong."""
    settings = load(Settings)
    async with open_resources(settings) as resources, resources.database.system() as session:
        count, flaw = await verify_audit(session, read_anchors(settings.audit_anchor_file), now())
        first = await audit.find_first(session)
    if flaw is not None:
        sys.exit(f"The audit log is not what was written: {flaw}.")
    cut = f", from number {first} on: those before were old enough to be cut off" if first and first > 1 else ""
    return f"The audit log is whole: {count} entries{cut}."


async def reseal_all() -> str:
    """Seal everything by the newest key; say how much was not."""
    async with open_resources(load(Settings)) as resources:
        return str(await reseal(resources.database, resources.sealer))


async def note(action: str, subject: str) -> str:
    """Keep in the audit log what the operator does outside the services."""
    async with open_resources(load(Settings)) as resources, resources.database.system() as session:
        await audit.record(session, now(), AuditEntry("operator", action, subject))
    return f"{action} {subject}: it is in the audit log."


async def change(email: str, wanted: Change) -> str:
    """Change somebody's rights as the operator; say what they are."""
    async with open_resources(load(Settings)) as resources, resources.database.system() as session:
        known = await find(session, email)
        after = await change_rights(session, "operator", known.id, wanted, now())
    assert after is not None, "the account was found in this transaction"
    state = "locked" if after.locked_at else "open"
    may = after.permissions
    trades = "any number of" if may.daily_trades_max is None else may.daily_trades_max
    figures = f"{trades} orders a day, {may.calls_per_minute_max} calls a minute"
    granted = ", ".join(sorted(may.granted)) or "nothing"
    return f"{after.email}: {after.role}, {state}, may use {granted}; {figures}."


async def forget_second_factor(email: str) -> str:
    """Take a lost second factor off an account; say what its owner does next."""
    settings = load(Settings)
    async with open_resources(settings) as resources, resources.database.system() as session:
        known = await find(session, email)
        mail_id = new_id() if settings.sends_mail else None
        left = await reset_second_factor(session, known.id, mail_id, now())
    way = "the password alone" if left else "a new password, by the mail for forgotten ones"
    return f"{known.email} has no second factor any more and no session, and logs in by {way}."


async def find(session: Transaction, email: str) -> User:
    """Find an account by its address; leave when there is none."""
    known = await system.find_user(session, normalise(email))
    if known is None:
        sys.exit(f"There is no account with the address {email}.")
    return known


def wanted_by(given: argparse.Namespace) -> Change:
    """Translate `role`, `lock`, `unlock`, `limit`, `allow` and `forbid` into a change."""
    if given.command == "role":
        return lambda user: replace(user, role=given.value)
    if given.command in {"lock", "unlock"}:
        return lambda user: replace(user, locked_at=now() if given.command == "lock" else None)
    if given.command == "limit":
        figure = {FIGURES[given.figure]: None if given.value == "none" else int(given.value)}
        return lambda user: replace(user, permissions=limited(user.permissions, figure))
    granted = {given.value: given.command == "allow"}
    return lambda user: replace(user, permissions=replace(user.permissions, **granted))


def limited(permissions: Permissions, figure: dict[str, int | None]) -> Permissions:
    """Return permissions with another figure; a ValidationError says which ones there are."""
    return Permissions(**PermissionsShown.model_validate(asdict(permissions) | figure).model_dump())


def run(given: argparse.Namespace) -> str:
    """Do what the command line says; return what was done."""
    if given.command in {"audit-verify", "reseal"}:
        return asyncio.run(audit_verify() if given.command == "audit-verify" else reseal_all())
    if given.command == "note":
        return asyncio.run(note(given.action, given.subject))
    if given.command == "reset-second-factor":
        return asyncio.run(forget_second_factor(given.email))
    if given.command == "invite":
        return asyncio.run(invite(NewAdmin(email=given.email, name=given.name)))
    if given.command == "create":
        wanted = NewAdmin(email=given.email, name=given.name)
        return asyncio.run(create(wanted, from_stdin=given.password_stdin))
    return asyncio.run(change(given.email, wanted_by(given)))


def main() -> None:
    """Read the arguments, do it, say so."""
    parser = argparse.ArgumentParser(prog="python -m auth.admin", description="Administer accounts.")
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("audit-verify", help="check the audit log against itself and the heads kept elsewhere")
    commands.add_parser("reseal", help="move second factors and API keys to the newest sealing key; says how many")
    noting = commands.add_parser("note", help=f"keep {'|'.join(NOTED)} and of what in the audit log")
    noting.add_argument("action", choices=NOTED)
    noting.add_argument("subject")
    for name, choices in (("role", ROLES), ("allow", PERMISSIONS), ("forbid", PERMISSIONS)):
        changing = commands.add_parser(name, help=f"{name} EMAIL {'|'.join(choices)}")
        changing.add_argument("email")
        changing.add_argument("value", choices=choices)
    limiting = commands.add_parser("limit", help=f"limit EMAIL {'|'.join(FIGURES)} FIGURE|none")
    limiting.add_argument("email")
    limiting.add_argument("figure", choices=FIGURES)
    limiting.add_argument("value", type=lambda text: text if text == "none" else int(text))
    commands.add_parser("reset-second-factor", help="take a lost second factor off").add_argument("email")
    for name in ("lock", "unlock"):
        commands.add_parser(name, help=f"{name} an account").add_argument("email")
    invitation = commands.add_parser("invite", help="open an account whose owner chooses the password by mail")
    invitation.add_argument("email")
    invitation.add_argument("--name", required=True)
    creation = commands.add_parser("create", help="create an admin, or make an account that exists one")
    creation.add_argument("email")
    creation.add_argument("--name", default="Administrator")
    creation.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    given = parser.parse_args()
    try:
        done = run(given)
    except AppError as refused:
        sys.exit(refused.detail)
    except ValidationError as invalid:
        problems = [f"{problem['loc'][0]}: {problem['msg']}" for problem in invalid.errors(include_input=False)]
        sys.exit("\n".join(problems))
    sys.stdout.write(done + "\n")


if __name__ == "__main__":
    main()
