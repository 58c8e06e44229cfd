"""Moves a household in: rehearsed whole by the services themselves, then done, each thing once however often."""

import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tools import service_commands
from tools.migration.household import Household, Person, understand
from tools.migration.sources import read
from tools.native.errors import StackError
from tools.native.layout import Layout


@dataclass(frozen=True)
class Moved:
    """How much of a person's was new here."""

    strategies: int
    accounts: int


def migrate_from(
    source: Annotated[Path, typer.Argument(exists=True, help="A folder of CSV files, an SQLite file, or a pg_dump.")],
    email: Annotated[str | None, typer.Option(help="Whose everything is, where the source knows no people.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this it is only rehearsed.")] = False,  # noqa: FBT002 - typer reads flags so
) -> None:
    """Move people, strategies, paper accounts and positions in from a single-user or Supabase installation."""
    layout = Layout.from_environment(os.environ)
    household = understand(read(source), email)
    problems = household.problems + rehearse(layout, household)
    for line in report(household, problems):
        typer.echo(line)
    if problems:
        raise StackError("nothing was moved: mend what is listed and run it again")
    if not apply:
        typer.echo("a rehearsal: nothing was moved. Run it again with --apply.")
        return
    for person in household.people:
        moved = move(layout, person)
        typer.echo(f"{person.email}: {moved.strategies} strategies and {moved.accounts} account(s) are new here")


def report(household: Household, problems: list[str]) -> list[str]:
    """What would be moved, what stays behind, and what is in the way."""
    lines = [
        f"{person.email}: {len(person.strategies)} strategies, {len(person.accounts)} account(s), "
        f"{sum(len(account['holdings']) for account in person.accounts)} position(s)"
        for person in household.people
    ]
    lines += [f"stays behind: {line}" for line in household.left]
    return lines + [f"in the way: {line}" for line in problems]


def rehearse(layout: Layout, household: Household) -> list[str]:
    """Have the services do all of it for somebody who does not exist, and take it back; return what they refuse."""
    problems = []
    for person in household.people:
        nobody = str(uuid.uuid4())
        for service, document in _documents(person, nobody):
            done = service_commands.run_module(
                layout, service, f"{service}.move_in", "--rehearse", typed=json.dumps(document)
            )
            if done.returncode != 0:
                problems += [f"{person.email}, {line}" for line in done.stderr.strip().splitlines()[-20:]]
    return problems


def move(layout: Layout, person: Person) -> Moved:
    """Move one person in; running it again goes on where it was broken off, and doubles nothing.

    Raises:
        StackError: with what a service refused.
    """
    owner = service_commands.auth_admin(layout, "invite", person.email, "--name", person.name)
    new = []
    for service, document in _documents(person, owner):
        done = service_commands.run_module(layout, service, f"{service}.move_in", typed=json.dumps(document))
        if done.returncode != 0:
            raise StackError(f"{person.email}: {done.stderr.strip()}")
        new.append(int(done.stdout.split()[-1]))
    return Moved(*new)


def _documents(person: Person, owner: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("backtest", {"owner": owner, "strategies": person.strategies}),
        ("trading", {"owner": owner, "accounts": person.accounts}),
    ]
