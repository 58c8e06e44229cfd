"""The operator's side of trading: `python -m trading.operate prove`, and what companies do to their shares.

    prove [--json]                                                            rebuild and compare every account
    dividend ID SYMBOL PER_SHARE --on DAY                                     pay a dividend to whoever holds the shares
    split ID SYMBOL RATIO --price PRICE --on DAY                              50 for 50:1; a fraction is paid at PRICE

ID names the act for ever: a second run with the same one does nothing twice.
"""

import argparse
import asyncio
import sys
from dataclasses import asdict
from datetime import date
from decimal import Decimal

from kit.clock import now  # tidy: allow clock because a command line is an entry, like app.py and worker.py
from kit.errors import AppError
from kit.json import dumps_text
from kit.money import decimal_from
from kit.settings import load

from trading.config import Settings
from trading.domain.proof import Proof
from trading.errors import OrdersOpen
from trading.resources import Resources, open_resources
from trading.store import system
from trading.store.system import Whose
from trading.usecases.pay_dividend import Dividend, pay_dividend
from trading.usecases.prove_account import prove_account
from trading.usecases.split_shares import Split, split_shares


async def prove(resources: Resources, *, as_json: bool) -> int:
    """Prove every account, a line for each; 1 when one does not hold."""
    failed, after = 0, None
    while True:
        async with resources.database.system() as session:
            page = await system.list_accounts(session, after)
        if not page:
            return 1 if failed else 0
        for whose in page:
            async with resources.database.system() as session:
                proof = await prove_account(session, whose.owner, whose.account_id)
            failed += not proof.holds
            sys.stdout.write(f"{dumps_text(asdict(proof) | {'holds': proof.holds}) if as_json else _said(proof)}\n")
        after = page[-1]


def _said(proof: Proof) -> str:
    verdict = "holds" if proof.holds else "DOES NOT HOLD"
    lines = [f"{proof.account_id}  {proof.entries:>7,} entries  {proof.rebuilt_hash[:16]}  {verdict}"]
    lines += [f"    {item.what}: rebuilt {item.rebuilt:f}, stored {item.stored:f}" for item in proof.differences]
    lines += [f"    {fault}" for fault in proof.faults]
    return "\n".join(lines)


async def _holders(resources: Resources, symbol: str) -> list[Whose]:
    async with resources.database.system() as session:
        return await system.list_holders(session, symbol)


async def pay(resources: Resources, dividend: Dividend) -> int:
    """Pay a dividend to every account that holds the shares, each in a transaction of its own."""
    paid = 0
    for whose in await _holders(resources, dividend.symbol):
        async with resources.database.owned(whose.owner) as session:
            paid += await pay_dividend(session, whose.owner, whose.account_id, dividend, now()) is not None
    sys.stdout.write(f"{paid} account(s) were paid the dividend {dividend.id} of {dividend.symbol}.\n")
    return 0


async def split(resources: Resources, act: Split) -> int:
    """Split what every account holds; 1 when open orders were in the way somewhere: cancel them and run it again."""
    done, waiting = 0, 0
    for whose in await _holders(resources, act.symbol):
        try:
            async with resources.database.owned(whose.owner) as session:
                done += await split_shares(session, whose.owner, whose.account_id, act, now()) is not None
        except OrdersOpen as open_orders:
            waiting += 1
            sys.stdout.write(f"{whose.account_id}: {open_orders.detail}\n")
    sys.stdout.write(f"{done} account(s) were split, {waiting} still have open orders of {act.symbol}.\n")
    return 1 if waiting else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trading.operate", description=__doc__)
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("prove").add_argument("--json", action="store_true")
    for name, amount in (("dividend", "per_share"), ("split", "ratio")):
        act = acts.add_parser(name)
        act.add_argument("id")
        act.add_argument("symbol")
        act.add_argument(amount, type=_positive)
        act.add_argument("--on", type=date.fromisoformat, required=True)
        if name == "split":
            act.add_argument("--price", type=_positive, required=True)
    return parser.parse_args()


def _positive(text: str) -> Decimal:
    number = decimal_from(text)
    if number <= 0:
        raise ValueError("must be above zero")
    return number


async def _run(given: argparse.Namespace) -> int:
    async with open_resources(load(Settings)) as resources:
        match given.act:
            case "prove":
                return await prove(resources, as_json=given.json)
            case "dividend":
                act = Dividend(id=given.id, symbol=given.symbol, per_share=given.per_share, paid_on=given.on)
                return await pay(resources, act)
            case _:
                on = given.on
                return await split(
                    resources, Split(id=given.id, symbol=given.symbol, ratio=given.ratio, price=given.price, on=on)
                )


def main() -> int:
    """Run a command; say in one line why it could not be done."""
    try:
        return asyncio.run(_run(_arguments()))
    except AppError as failed:
        sys.stderr.write(f"{failed.detail}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
