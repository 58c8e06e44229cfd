"""The command line for the operator: `python -m auth.admin create EMAIL [--name NAME] [--password-stdin]`."""

import argparse
import asyncio
import getpass
import sys

from kit.clock import now  # tidy: allow clock because a command line is an entry, like app.py and worker.py
from kit.ids import new_id
from kit.settings import load
from pydantic import BaseModel, ValidationError

from auth.api.types import Email, Name, Password
from auth.config import Settings
from auth.domain import password
from auth.domain.user import LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT, Profile, User, UserId
from auth.resources import Resources, open_resources
from auth.usecases.create_admin import create_admin


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
    if (weakness := password.weakness_of(chosen, wanted.email, wanted.name)) is not None:
        sys.exit(f"The password {weakness}.")
    async with resources.hasher.turn() as turn:
        return await turn.hash(chosen)


async def create(wanted: NewAdmin, *, from_stdin: bool) -> str:
    """Create or promote; return what was done, in words."""
    profile = Profile(wanted.name, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
    user = User(UserId(new_id()), wanted.email, "user", profile, now())
    async with open_resources(load(Settings)) as resources:
        async with resources.database.system() as session:
            promoted = await create_admin(session, user, None)
        if promoted is not None:
            return f"{promoted.email} is an admin now; the password is what it was."
        password_hash = await hash_of(resources, wanted, read_password(from_stdin=from_stdin))
        async with resources.database.system() as session:
            await create_admin(session, user, password_hash)
    return f"{user.email} is an admin now."


def main() -> None:
    """Read the arguments, do it, say so."""
    parser = argparse.ArgumentParser(prog="python -m auth.admin", description="Administer accounts.")
    commands = parser.add_subparsers(required=True)
    creation = commands.add_parser("create", help="create an admin, or make an account that exists one")
    creation.add_argument("email")
    creation.add_argument("--name", default="Administrator")
    creation.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    given = parser.parse_args()
    try:
        wanted = NewAdmin(email=given.email, name=given.name)
        done = asyncio.run(create(wanted, from_stdin=given.password_stdin))
    except ValidationError as invalid:
        problems = [f"{problem['loc'][0]}: {problem['msg']}" for problem in invalid.errors(include_input=False)]
        sys.exit("\n".join(problems))
    sys.stdout.write(done + "\n")


if __name__ == "__main__":
    main()
