"""A desk: one owner's account in a real database, with what a test does to it and what it reads back."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from trading.domain.account import Balance, Connection
from trading.domain.halt import Halt, HaltLevel, HaltMode
from trading.domain.limits import LimitsInForce, RiskLimits, Scope
from trading.domain.order import OPEN, Happening, Order
from trading.domain.position import Position
from trading.domain.proof import Proof
from trading.domain.quote import Quote
from trading.domain.replacement import Terms
from trading.domain.request import AccountId, Execution, OrderId, OrderRequest
from trading.store import accounts, connections, orders, positions
from trading.store.orders import Waiting
from trading.store.rights import Rights
from trading.usecases.cancel_order import cancel_order
from trading.usecases.correct_account import Correction, correct_account
from trading.usecases.halt_trading import halt_trading
from trading.usecases.open_account import Opening, open_account
from trading.usecases.place_in_account import Placed
from trading.usecases.place_order import place_order
from trading.usecases.prove_account import prove_account
from trading.usecases.record_broker_answer import Answer, record_broker_answer
from trading.usecases.record_execution import record_execution
from trading.usecases.record_replacement import ReplaceAnswer, record_replacement
from trading.usecases.record_rights import record_rights
from trading.usecases.replace_order import Change, replace_order
from trading.usecases.resume_trading import resume_trading
from trading.usecases.set_risk_limits import LimitsSet, set_risk_limits
from trading.usecases.trigger_stop import trigger_stop

from services.trading.tests.builders import NOW, a_fill, a_quote, a_request, limits

A_TESTS_NOW = timedelta(days=10_000)
"""How far from the database's clock it may be."""
TYPES = text("SELECT type FROM events WHERE owner_id = :owner ORDER BY position")


@dataclass
class Desk:
    """One owner and one account."""

    database: Database
    owner: UUID
    account_id: AccountId
    bounds: dict[str, Any] = field(default_factory=dict)
    """What holds in this installation besides the usual."""

    @classmethod
    async def open_live(cls, database: Database, cash: int = 10_000_000, owner: UUID | None = None) -> "Desk":
        """A live account of somebody who is permitted, with the cash its broker showed, where real money is allowed."""
        desk = cls(
            database, owner or new_id(), AccountId(new_id()), {"live_allowed": True, "clock_skew_max": A_TESTS_NOW}
        )
        real = Connection(id=new_id(), broker="kis", environment="real")
        opening = Opening(
            id=desk.account_id,
            name="실전",
            kind="live",
            currency="KRW",
            initial_cash=Decimal(0),
            connection_id=real.id,
            permitted_at=NOW,
        )
        shown = Correction(id="opening", account_id=desk.account_id, currency="KRW", cash=Decimal(cash))
        async with database.owned(desk.owner) as session:
            await connections.save(session, desk.owner, real)
            await open_account(session, desk.owner, opening, NOW)
            await correct_account(session, desk.owner, shown, NOW)
        return desk

    async def is_told(self, *, live: bool, at: datetime = NOW + timedelta(seconds=1)) -> None:
        """Auth says whether the owner may trade with real money."""
        async with self.database.owned(self.owner) as session:
            await record_rights(session, self.owner, Rights(live=live, told_at=at), at)

    @classmethod
    async def open(cls, database: Database, cash: int = 10_000_000, owner: UUID | None = None) -> "Desk":
        desk = cls(database, owner or new_id(), AccountId(new_id()))
        opening = Opening(id=desk.account_id, name="테스트", kind="paper", currency="KRW", initial_cash=Decimal(cash))
        async with database.owned(desk.owner) as session:
            await open_account(session, desk.owner, opening, NOW)
        return desk

    def request(self, **changes: Any) -> OrderRequest:
        return a_request(account_id=self.account_id, **changes)

    async def submits(
        self, request: OrderRequest, quote: Quote | None = None, now: datetime = NOW, **bounds: Any
    ) -> Placed:
        async with self.database.owned(self.owner) as session:
            return await place_order(
                session, self.owner, request, quote or a_quote(), limits(**(self.bounds | bounds)), now
            )

    async def places(self, **changes: Any) -> Order:
        return (await self.submits(self.request(**changes))).order

    async def asks_to_cancel(self, order: Order) -> Order:
        async with self.database.owned(self.owner) as session:
            return await cancel_order(session, self.owner, order.id, NOW)

    async def hears(self, order: Order, happening: Happening, reason: str | None = None) -> Order:
        answer = Answer(order_id=order.id, account_id=order.account_id, happening=happening, reason=reason)
        async with self.database.owned(self.owner) as session:
            return await record_broker_answer(session, self.owner, answer, NOW)

    async def books(self, execution: Execution) -> Order:
        async with self.database.owned(self.owner) as session:
            return await record_execution(session, self.owner, execution, NOW)

    async def fills(self, order: Order, **changes: Any) -> Order:
        return await self.books(a_fill(await self.order(order.id), **changes))

    async def owns(self, quantity: int, price: int = 56_000) -> None:
        order = await self.places(quantity=Decimal(quantity), limit_price=Decimal(price))
        await self.fills(order)

    async def order(self, order_id: OrderId) -> Order:
        async with self.database.owned(self.owner) as session:
            order = await orders.find(session, self.owner, order_id)
        assert order is not None
        return order

    async def is_locked(self) -> None:
        """Somebody locks the account, and changes nothing."""
        async with self.database.owned(self.owner) as session:
            await accounts.lock(session, self.owner, self.account_id)

    async def balance(self) -> Balance:
        async with self.database.owned(self.owner) as session:
            (balance,) = await accounts.list_balances(session, self.owner, self.account_id)
        return balance

    async def balance_figures(self) -> tuple[Decimal, Decimal]:
        balance = await self.balance()
        return balance.available, balance.held

    async def position(self, symbol: str = "005930") -> Position:
        async with self.database.owned(self.owner) as session:
            position = await positions.find(session, self.owner, self.account_id, symbol)
        assert position is not None
        return position

    async def announced(self) -> list[str]:
        async with self.database.system() as session:
            rows = await session.scalars(TYPES, {"owner": self.owner})
            return [kind.removeprefix("trading.").removesuffix(".v1") for kind in rows]

    async def last_told(self) -> dict[str, Any]:
        """What the newest of the owner's facts says."""
        async with self.database.system() as session:
            newest = text("SELECT data FROM events WHERE owner_id = :owner ORDER BY position DESC LIMIT 1")
            told: dict[str, Any] = await session.scalar(newest, {"owner": self.owner})
            return told

    async def count(self, table: str) -> int:
        async with self.database.system() as session:
            query = text(f"SELECT count(*) FROM {table} WHERE owner_id = :owner")
            return int(await session.scalar(query, {"owner": self.owner}) or 0)

    async def halts(self, level: HaltLevel = "account", mode: HaltMode = HaltMode.HALTED) -> int:
        scope_id = self.account_id if level == "account" else self.owner
        halt = Halt(level=level, scope_id=scope_id, mode=mode, reason="a test", halted_at=NOW)
        async with self.database.owned(self.owner) as session:
            return await halt_trading(session, self.owner, halt, NOW)

    async def resumes(self, level: HaltLevel = "account") -> None:
        async with self.database.owned(self.owner) as session:
            scope_id = self.account_id if level == "account" else self.owner
            await resume_trading(session, self.owner, level, scope_id)

    async def limits_itself(
        self,
        *,
        now: datetime = NOW,
        stepped_up: bool = False,
        scope: Scope = "account",
        scope_id: UUID | None = None,
        **limits: Any,
    ) -> LimitsSet:
        scope_id = scope_id or (self.account_id if scope == "account" else self.owner)
        wanted = LimitsInForce(
            scope=scope, scope_id=scope_id, currency="KRW", effective_at=now, limits=RiskLimits(**limits)
        )
        async with self.database.owned(self.owner) as session:
            return await set_risk_limits(session, self.owner, wanted, now, stepped_up=stepped_up)

    async def asks_to_replace(
        self, order: Order, quote: Quote | None = None, now: datetime = NOW, **changes: Any
    ) -> Order:
        change = Change(order_id=order.id, replace_id=new_id(), **changes)
        async with self.database.owned(self.owner) as session:
            return await replace_order(session, self.owner, change, quote or a_quote(), limits(**self.bounds), now)

    async def hears_replaced(self, order: Order, **changes: Any) -> Order:
        """The broker has replaced what it was asked to, or something else if the test says so."""
        order = await self.order(order.id)
        values = {"replace_id": order.replace_id, "quantity": order.replace_quantity}
        terms = Terms(**(values | {"limit_price": order.replace_limit_price} | changes))  # type: ignore[arg-type]
        return await self.hears_answer(order, terms.replace_id, terms)

    async def hears_replace_refused(self, order: Order, replace_id: UUID | None = None) -> Order:
        order = await self.order(order.id)
        return await self.hears_answer(order, replace_id or order.replace_id or new_id(), None)

    async def hears_answer(self, order: Order, replace_id: UUID, terms: Terms | None) -> Order:
        answer = ReplaceAnswer(
            order_id=order.id, account_id=order.account_id, replace_id=replace_id, terms=terms, detail="no"
        )
        async with self.database.owned(self.owner) as session:
            return await record_replacement(session, self.owner, answer, NOW)

    async def sees(self, order: Order, quote: Quote, now: datetime = NOW) -> Order | None:
        """A quote is shown to an order that waits."""
        waiting = Waiting(self.owner, order)
        async with self.database.owned(self.owner) as session:
            return await trigger_stop(session, waiting, quote, limits(**self.bounds), now)

    async def proof(self) -> Proof:
        async with self.database.system() as session:
            return await prove_account(session, self.owner, self.account_id)

    async def proves(self) -> None:
        """Everything agrees: the ledger with balances and positions, and these with the holds of open orders."""
        proof = await self.proof()
        assert proof.holds, (proof.differences, proof.faults)
        assert proof.entries
        counted = text(
            "SELECT a.open_orders, (SELECT count(*) FROM orders o WHERE o.account_id = a.id AND o.owner_id = a.owner_id"
            " AND o.status = ANY(:open)) FROM accounts a WHERE a.owner_id = :owner"
        )
        async with self.database.system() as session:
            for known, there in await session.execute(counted, {"owner": self.owner, "open": sorted(OPEN)}):
                assert known == there, "the database counts what is open"


def same_again(request: OrderRequest, **changes: Any) -> OrderRequest:
    """The request as a client sends it a second time: our own id is a new one."""
    return replace(request, id=OrderId(new_id()), **changes)
