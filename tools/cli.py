"""`./exodus`: the command line of an installation, for its operator and for programs."""

import asyncio
import datetime as dt
import getpass
import os
import secrets
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import httpx
import typer
from kit.json import dumps_text as dumps
from rich.console import Console

from tools import service_commands
from tools.backups import commands as backups
from tools.migration.commands import migrate_from
from tools.native import certificates, rotating_keys, sealing_keys
from tools.native.errors import StackError
from tools.native.layout import Layout
from tools.native.reloading import reload_gateway
from tools.people import Admin, Gateway, Refused, Trader
from tools.pipelines import USUAL, back_fill, line_of

PASSWORD_VARIABLE = "EXODUS_PASSWORD"  # noqa: S105 - the name of a variable

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
admin = typer.Typer(no_args_is_help=True, help="People who run the installation.")
market = typer.Typer(no_args_is_help=True, help="Prices.")
audit = typer.Typer(no_args_is_help=True, help="What happened, and the proof that nobody changed the record of it.")
ledger = typer.Typer(no_args_is_help=True, help="Money: the proof of it, and what companies do to their shares.")
app.add_typer(admin, name="admin")
app.add_typer(market, name="market")
app.add_typer(audit, name="audit")
app.add_typer(ledger, name="ledger")
app.command()(backups.backup)
app.command()(backups.restore)
app.add_typer(backups.quarantine, name="quarantine")
app.command("migrate-from")(migrate_from)
console = Console(highlight=False, soft_wrap=True)

__all__ = ["admin_for_demo", "app", "create_admin", "dumps", "gateway_of"]


def gateway_of(layout: Layout) -> Gateway:
    """Find the gateway of a stack and the certificate it shows."""
    return Gateway(f"https://localhost:{layout.ports.gateway}", layout.gateway / certificates.CERTIFICATE)


def create_admin(layout: Layout, email: str, password: str, name: str = "Operator") -> None:
    """Create an administrator, or make one of an existing user.

    Raises:
        StackError: with what the auth service said when it refused.
    """
    service_commands.auth_admin(layout, "create", email, "--name", name, "--password-stdin", typed=password)


async def admin_for_demo(gateway: Gateway, layout: Layout) -> Admin:
    """Create an administrator with a random password, and log in."""
    password = f"{secrets.token_urlsafe(18)} 7"
    email = f"operator-{secrets.token_hex(4)}@people.example.com"
    await asyncio.to_thread(create_admin, layout, email, password)
    person = Admin.stranger(gateway, "Operator", email=email, password=password)
    await person.log_in()
    return person


def _password(prompt: str) -> str:
    return os.environ.get(PASSWORD_VARIABLE) or getpass.getpass(prompt)


async def _logged_in(kind: type[Trader], email: str) -> Trader:
    layout = Layout.from_environment(os.environ)
    person = kind.stranger(gateway_of(layout), email, email=email, password=_password(f"password of {email}: "))
    await person.log_in()
    return person


@admin.command("create")
def admin_create(email: str, name: str = "Operator") -> None:
    """Create an administrator (the password is asked for, or read from EXODUS_PASSWORD)."""
    create_admin(Layout.from_environment(os.environ), email, _password(f"new password for {email}: "), name)
    console.print(f"{email} is an administrator now.")


@admin.command("role")
def admin_role(email: str, role: Annotated[str, typer.Argument(help="admin, user or viewer.")]) -> None:
    """Give an account another role; it counts within seconds."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "role", email, role))


@admin.command("allow")
def admin_allow(email: str, what: Annotated[str, typer.Argument(help="paper, real or premium.")]) -> None:
    """Allow an account something; it counts within seconds."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "allow", email, what))


@admin.command("forbid")
def admin_forbid(email: str, what: Annotated[str, typer.Argument(help="paper, real or premium.")]) -> None:
    """Forbid an account something; it counts within seconds."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "forbid", email, what))


@admin.command("limit")
def admin_limit(
    email: str,
    what: Annotated[str, typer.Argument(help="daily-trades or calls-per-minute.")],
    figure: Annotated[str, typer.Argument(help="A number; daily-trades may be none, calls 60, 600, 6000 or 60000.")],
) -> None:
    """Bound what an account does in a day or a minute; it counts within seconds."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "limit", email, what, figure))


@admin.command("lock")
def admin_lock(email: str) -> None:
    """Close an account: its sessions end, and nobody logs in."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "lock", email))


@admin.command("unlock")
def admin_unlock(email: str) -> None:
    """Open an account again."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "unlock", email))


@admin.command("reset-second-factor")
def admin_reset_second_factor(email: str) -> None:
    """Take a lost second factor off, once you know who asks: every session ends, and the owner is told."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "reset-second-factor", email))


@admin.command("rotate-keys")
def admin_rotate_keys(
    revoke: Annotated[str | None, typer.Option(help="Take this key out of service at once; it was stolen.")] = None,
) -> None:
    """Sign access tokens with a new key from in 90 seconds on; tokens of the older ones stay good until they expire."""
    now, layout = dt.datetime.now(dt.UTC), Layout.from_environment(os.environ)
    if revoke is None:
        service_commands.auth_admin(layout, "note", "signing_key_added", f"{now:%Y-%m-%dT%H:%M:%SZ}")
    keys = rotating_keys.rotate(layout, now, revoke=revoke)
    if revoke is not None:  # at once, whatever else is broken; who is told second cannot be asked first
        service_commands.auth_admin(layout, "note", "signing_key_revoked", revoke)
    for key in keys:
        state = "signs, or has signed," if key.signs_from <= now else "signs"
        console.print(f"{key.key_id}  {state} from {key.signs_from.isoformat(timespec='seconds')}")


@admin.command("rotate-sealing")
def admin_rotate_sealing(service: Annotated[str, typer.Argument(help="auth, broker or notification.")]) -> None:
    """Seal what lies in a service's database with a new key, while it runs; called again, it goes on where it died."""
    console.print(rotate_sealing(Layout.from_environment(os.environ), service))


def rotate_sealing(layout: Layout, service: str) -> str:
    """Add a sealing key of a service, or end a rotation that died; return what was done.

    Raises:
        StackError: when the service seals nothing, or the audit log or the service cannot be reached.
    """
    if service not in sealing_keys.SEALING:
        raise StackError(f"{service} seals nothing; {', '.join(sealing_keys.SEALING)} do")
    added, moved = sealing_keys.rotate(
        layout,
        service,
        lambda: reseal(layout, service),
        lambda: service_commands.auth_admin(layout, "note", "sealing_key_added", service),
    )
    state = "has a new sealing key" if added else "had a rotation that died; it is at its end now"
    return f"{service} {state}: {moved} moved to it."


def reseal(layout: Layout, service: str) -> int:
    """Have a service move to its newest sealing key what an older one has sealed; how much it moved.

    Raises:
        StackError: with what it said when it could not.
    """
    module = "auth.admin" if service == "auth" else f"{service}.operate"
    done = service_commands.run_module(layout, service, module, "reseal")
    if done.returncode != 0:
        raise StackError(done.stderr.strip() or f"{module} failed without a word")
    return int(done.stdout.split()[-1])


@audit.command("verify")
def audit_verify() -> None:
    """Check the audit log against itself and against the heads that were written down outside the database."""
    console.print(service_commands.auth_admin(Layout.from_environment(os.environ), "audit-verify"))


@market.command("import")
def market_import(
    path: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of CSV or Parquet files.")],
    email: Annotated[str, typer.Option(help="An administrator.", envvar="EXODUS_EMAIL")],
    market_name: Annotated[str, typer.Option("--market", help="KRX or US.")] = "KRX",
    board: Annotated[str, typer.Option(help="KOSPI, KOSDAQ, KONEX or US.")] = "KOSPI",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows even when some are bad.")] = False,  # noqa: FBT002 - typer reads flags so
) -> None:
    """Import daily bars: one file for each symbol, or a `symbol` column. Bad rows are listed with file and line."""

    async def run() -> None:
        person = await _logged_in(Admin, email)
        assert isinstance(person, Admin)
        form = {"market": market_name, "board": board, "source": "import", "skip_bad": str(skip_bad).lower()}
        report = await person.imports(path, form)
        console.print(f"{report['rows']:,} bars of {report['symbols']} symbols imported.")
        for bad in report.get("bad", []):
            console.print(f"  skipped: {bad['file']}:{bad['line']}: {bad['reason']}")

    asyncio.run(run())


@market.command("run")
def market_run(
    email: Annotated[str, typer.Option(help="An administrator.", envvar="EXODUS_EMAIL")],
    first: Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD.")],
    last: Annotated[str, typer.Option("--to", help="The last day, YYYY-MM-DD.")],
    market_name: Annotated[str, typer.Option("--market", help="KRX or US.")] = "KRX",
    pipelines: Annotated[str, typer.Option(help="Some of collect,adjust,figures,screens,clean_up.")] = ",".join(USUAL),
) -> None:
    """Run pipelines for days of the past (back-fill), and show how far they are until all have ended."""

    async def run() -> bool:
        person = await _logged_in(Admin, email)
        try:
            days = date.fromisoformat(first), date.fromisoformat(last)
            return await back_fill(person, market_name, days, pipelines.split(","))
        finally:
            await person.leave()

    raise typer.Exit(0 if asyncio.run(run()) else 1)


@market.command("runs")
def market_runs(email: Annotated[str, typer.Option(help="An administrator.", envvar="EXODUS_EMAIL")]) -> None:
    """List what the pipelines did last."""

    async def run() -> None:
        person = await _logged_in(Admin, email)
        for one in (await person.call("GET", "/market/pipelines"))["items"]:
            console.print(line_of(one))
        await person.leave()

    asyncio.run(run())


def _operate(*arguments: str) -> None:
    status, said = service_commands.trading_operate(Layout.from_environment(os.environ), *arguments)
    sys.stdout.write(said)
    raise typer.Exit(status)


@ledger.command("prove")
def ledger_prove(
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each account.")] = False,  # noqa: FBT002 - typer reads flags so
) -> None:
    """Rebuild every balance, hold and position from its first entry and compare; exit status 1 when one differs."""
    _operate("prove", *(["--json"] if json else []))


@ledger.command("dividend")
def ledger_dividend(
    act: Annotated[str, typer.Argument(help="A name for this dividend: paid once under it.")],
    symbol: str,
    per_share: Annotated[str, typer.Argument(help="Before tax, in the market's currency.")],
    on: Annotated[str, typer.Option(help="The day it is paid, YYYY-MM-DD.")],
) -> None:
    """Pay a dividend to every account that holds the shares now, less what is withheld."""
    _operate("dividend", act, symbol, per_share, "--on", on)


@ledger.command("split")
def ledger_split(
    act: Annotated[str, typer.Argument(help="A name for this split: applied once under it.")],
    symbol: str,
    ratio: Annotated[str, typer.Argument(help="New shares for one old: 50 for 50:1, 0.1 when ten become one.")],
    price: Annotated[str, typer.Option(help="What a share is worth after it: fractions are paid out at that.")],
    on: Annotated[str, typer.Option(help="Its day, YYYY-MM-DD.")],
) -> None:
    """Split the shares of every account that has some and no open order of them."""
    _operate("split", act, symbol, ratio, "--price", price, "--on", on)


@app.command()
def token(email: Annotated[str, typer.Option(envvar="EXODUS_EMAIL")]) -> None:
    """Print an access token, for trying things with curl."""
    sys.stdout.write(f"{asyncio.run(_logged_in(Trader, email)).token}\n")


@app.command()
def certificate(
    chain: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="PEM, as certbot's fullchain.pem.")],
    key: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="PEM, as certbot's privkey.pem.")],
) -> None:
    """Show a certificate that others signed instead of our own; the gateway takes it over without a gap."""
    layout = Layout.from_environment(os.environ)
    brought = certificates.bring(layout.gateway_folders(), chain, key, dt.datetime.now(dt.UTC))
    reload_gateway(layout)
    names = ", ".join(certificates.names_in(brought)) or "no names"
    console.print(f"{names}: until {brought.not_valid_after_utc.isoformat(timespec='minutes')}.")


@app.command()
def doctor() -> None:
    """Ask the gateway how every service is."""
    gateway = gateway_of(Layout.from_environment(os.environ))
    answer = httpx.get(f"{gateway.url}/health", verify=gateway.trust, timeout=10)
    for service, state in answer.json().get("services", {}).items():
        console.print(f"{service:<14}{state}")
    raise typer.Exit(0 if answer.status_code == httpx.codes.OK else 1)


def main() -> None:
    """Run a command; say what went wrong in one line."""
    try:
        app()
    except (Refused, StackError, httpx.HTTPError, OSError) as failed:
        if isinstance(failed, Refused):
            for problem in failed.problem.get("errors", []):
                console.print(f"  {problem.get('field')}: {problem.get('message')}")
        console.print(f"[red]{failed}[/]")
        sys.exit(1)


if __name__ == "__main__":
    main()
