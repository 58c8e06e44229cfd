"""Understands the rows of another installation: who is there, and what is whose. Nothing is moved that is in doubt."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tools.migration.sources import Row, Tables

NAMESPACE: Final = uuid.UUID("6c9a3f0e-2f4b-5d3c-9a55-0e8f1c7f4b21")
"""Ids of what is moved come from this, its owner and its id over there: moved again, it is the same thing."""

# What tables and columns are called in installations that we have seen described: the first that is there counts.
TABLES: Final = {
    "people": ("users", "profiles", "user_profiles"),
    "strategies": ("strategies", "trading_strategies"),
    "accounts": ("broker_accounts", "accounts", "trading_accounts"),
    "holdings": ("positions", "holdings", "portfolio_positions"),
    "orders": ("orders", "real_orders", "trade_orders"),
}
COLUMNS: Final = {
    "id": ("id", "uuid"),
    "email": ("email", "user_email"),
    "name": ("name", "full_name", "display_name", "username", "account_name", "strategy_name"),
    "user": ("user_id", "owner_id", "profile_id"),
    "account": ("account_id", "broker_account_id"),
    "entry": ("entry", "entry_rule", "buy_rule", "buy_condition"),
    "exit": ("exit", "exit_rule", "sell_rule", "sell_condition"),
    "currency": ("currency",),
    "cash": ("cash", "cash_balance", "balance", "available_cash"),
    "broker": ("broker", "broker_name", "provider"),
    "environment": ("environment", "account_type", "mode", "kind"),
    "symbol": ("symbol", "ticker", "stock_code", "code"),
    "quantity": ("quantity", "qty", "shares"),
    "price": ("average_price", "avg_price", "avg_cost", "average_cost"),
    "status": ("status", "state", "order_status"),
}
ENDED: Final = frozenset({"filled", "executed", "canceled", "cancelled", "rejected", "expired", "failed", "done"})
REAL: Final = frozenset({"real", "live", "production", "prod"})
SIMULATED: Final = frozenset({"", "paper", "simulator", "simulated", "mock", "virtual", "demo"})
FIELDS_OF_STRATEGIES: Final = ("description", "stop_loss", "take_profit", "trailing_stop", "holding_bars", "portion")


@dataclass
class Person:
    """Somebody, and what is theirs; `key` is their id over there."""

    key: str
    email: str
    name: str
    strategies: list[dict[str, Any]] = field(default_factory=list)
    accounts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Household:
    """What can be moved, what is wrong with it (then nothing is), and what stays behind, with the reason."""

    people: list[Person] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def understand(tables: Tables, only_email: str | None) -> Household:
    """Make sense of the tables.

    Args:
        tables: as `sources.read` gives them.
        only_email: whose everything is, where an installation knows no people.
    """
    reading = _Reading(tables, only_email)
    reading.people()
    reading.strategies()
    reading.accounts()
    reading.holdings()
    reading.orders()
    return reading.found


class _Reading:
    def __init__(self, tables: Tables, only_email: str | None) -> None:
        self._tables = tables
        self._only_email = only_email
        self._people: dict[str, Person] = {}
        self._accounts: dict[str, dict[str, Any] | None] = {}
        self.found = Household()

    def people(self) -> None:
        """Addresses are what people are known by: two rows of one are one person."""
        by_email: dict[str, Person] = {}
        for row in self._rows("people"):
            key, email = _of(row, "id"), _of(row, "email").lower()
            if not key or "@" not in email:
                self._wrong(row, "email" if key else "id", "a person needs an id and an email address")
                continue
            person = by_email.setdefault(email, Person(key, email, _of(row, "name") or email.partition("@")[0]))
            self._people[key] = person
        if not by_email and self._only_email:
            by_email[self._only_email] = self._people[""] = Person("", self._only_email, self._only_email)
        if not by_email:
            self.found.problems.append("it names nobody: say whose everything is with --email")
        self.found.people = list(by_email.values())

    def strategies(self) -> None:
        """Rules in words that we read; a picture of blocks, or code, is not run through a guess."""
        for row, owner in self._owned("strategies"):
            name, key = _of(row, "name"), _of(row, "id")
            rules = {"entry": _of(row, "entry"), "exit": _of(row, "exit")}
            if not all(rules.values()):
                self._leave(row, f"strategy {name or key}: it has no entry and exit rule in words; write it anew here")
                continue
            others = {column: row.values[column] for column in FIELDS_OF_STRATEGIES if column in row.values}
            names = {"id": _id("strategy", owner, key or name), "name": name or "Strategy"}
            owner.strategies.append(names | rules | others)

    def accounts(self) -> None:
        """Paper accounts come with their cash; a real one is its broker's, and is bound anew with its own keys."""
        for row, owner in self._owned("accounts"):
            key, name = _of(row, "id"), _of(row, "name") or _of(row, "broker") or "Account"
            environment, broker = _of(row, "environment").lower(), _of(row, "broker").lower()
            self._accounts[key] = None
            if environment in REAL or (broker not in SIMULATED and environment not in SIMULATED - {""}):
                self._leave(row, f"account {name}: it is at {broker or 'a broker'}; connect it here, it shows the rest")
                continue
            currency, cash = _of(row, "currency").upper() or "KRW", self._number(row, "cash", Decimal(0))
            if currency not in {"KRW", "USD"}:
                self._wrong(row, "currency", f"{currency} is neither KRW nor USD")
            if cash is None:
                continue
            moved = {"id": _id("account", owner, key), "name": name, "currency": currency, "cash": f"{cash:f}"}
            self._accounts[key] = moved | {"holdings": []}
            owner.accounts.append(self._accounts[key] or {})

    def holdings(self) -> None:
        """What accounts hold, that is not nothing."""
        for row in self._rows("holdings"):
            key = _of(row, "account")
            if not key and len(self._accounts) == 1:
                key = next(iter(self._accounts))
            if key not in self._accounts:
                self._wrong(row, "account_id", "there is no account of this id")
                continue
            quantity, price = self._number(row, "quantity", None), self._number(row, "price", None)
            account = self._accounts[key]
            if account is None or quantity is None or price is None or quantity == 0:
                continue
            symbol = _of(row, "symbol")
            if quantity < 0 or price <= 0 or not symbol:
                self._wrong(row, "quantity", "a symbol, a quantity and an average price above zero are needed")
            elif any(each["symbol"] == symbol for each in account["holdings"]):
                self._wrong(row, "symbol", f"{symbol} is there twice in this account")
            else:
                moved = {"symbol": symbol, "quantity": f"{quantity:f}", "average_price": f"{price:f}"}
                account["holdings"].append(moved)

    def orders(self) -> None:
        """Orders that have ended are history, and stay where they can be proved; open ones cannot be in two places."""
        ended = 0
        for row in self._rows("orders"):
            status = _of(row, "status").lower()
            if status in ENDED:
                ended += 1
            else:
                self._wrong(row, "status", f"this order is {status or 'without a status'}: let it end over there first")
        if ended:
            self.found.left.append(f"{ended} order(s) that have ended: history, which the old installation proves")

    def _rows(self, what: str) -> list[Row]:
        return next((self._tables[name] for name in TABLES[what] if name in self._tables), [])

    def _owned(self, what: str) -> Iterator[tuple[Row, Person]]:
        for row in self._rows(what):
            key = _of(row, "user")
            only = self.found.people[0] if len(self.found.people) == 1 and not key else None
            owner = self._people.get(key) or only
            if owner is None:
                self._wrong(row, "user_id", "there is nobody of this id")
            else:
                yield row, owner

    def _number(self, row: Row, column: str, otherwise: Decimal | None) -> Decimal | None:
        text = _of(row, column).replace(",", "")
        if not text and otherwise is not None:
            return otherwise
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite():
            return number
        self._wrong(row, column, f"{text or 'nothing'} is no number")
        return None

    def _wrong(self, row: Row, column: str, why: str) -> None:
        self.found.problems.append(f"{row.where}, {column}: {why}")

    def _leave(self, row: Row, what: str) -> None:
        self.found.left.append(f"{row.where}: {what}")


def _of(row: Row, column: str) -> str:
    return next((row.values[name] for name in COLUMNS[column] if name in row.values), "")


def _id(kind: str, owner: Person, key: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{owner.email}/{key}"))
