"""Alpaca's connector: orders under our own key, executions from the list of activities.

A replacement is a new order at Alpaca; we keep the first one's id and follow `replaced_by` from there. What traded is
the activities of the whole chain, each with an id of its own; while they are behind what the order says, nothing is
certain. The stream of trade updates is a hint to look.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from kit.json import dumps_text, loads
from websockets.asyncio.client import ClientConnection

from broker.adapters.alpaca import parse
from broker.adapters.alpaca.capabilities import PAPER
from broker.adapters.alpaca.client import Client
from broker.adapters.alpaca.parse import AlpacaOrder, Fill
from broker.adapters.balance import Balance, BuyingPower
from broker.adapters.daylist import KeysOf, No
from broker.adapters.drift import drifts
from broker.adapters.line import in_lane
from broker.adapters.port import LineFailure, Report, Unreachable
from broker.adapters.stream import AGAIN_SECONDS, follow
from broker.domain.capabilities import Capabilities
from broker.domain.order import (
    Absent,
    Accepted,
    CancelRefused,
    ClientKey,
    Ended,
    Listed,
    OrderIntent,
    Refused,
    Replaced,
    Replacement,
    ReplaceRefused,
)

ORDERS_MAX: Final = 500
ACTIVITIES_MAX: Final = 100
PAGES_MAX: Final = 100
CHAIN_MAX: Final = 1_000
LOOK_BACK: Final = timedelta(days=7)
"""A day order that was placed on the eve of the longest closure is still in the list when it trades."""
_TIMES: Final = {"day": "day", "ioc": "ioc", "fok": "fok", "at_open": "opg", "at_close": "cls"}
_PENDING: Final = {"pending_cancel", "pending_replace"}
_ENDS: Final = {"canceled": "canceled", "expired": "expired"}
_OVER: Final = {*_ENDS, "filled", "rejected"}


class Alpaca:
    """One account at Alpaca."""

    capabilities: Capabilities = PAPER

    def __init__(self, client: Client, keys_of: KeysOf, poll_seconds: float = 5.0, stream: str = "") -> None:
        self._client = client
        self._keys_of = keys_of
        self._poll_seconds = poll_seconds
        self._stream = stream
        self._told: dict[str, tuple[str, str, Decimal]] = {}
        self._is_unsure = False
        self.hint = asyncio.Event()

    async def submit(self, order: OrderIntent, key: ClientKey) -> Accepted | Refused:
        """Send an order; one that is there under this key already is answered as it is."""
        body = {
            "symbol": order.symbol,
            "qty": f"{order.quantity:f}",
            "side": order.side,
            "type": order.order_type,
            "time_in_force": _TIMES[order.time_in_force],
            "client_order_id": str(key),
        }
        if order.limit_price is not None:
            body["limit_price"] = f"{order.limit_price:f}"
        with in_lane("entry" if order.side == "buy" else "exit"):
            answer = await self._client.call("POST", "orders", body)
        if isinstance(answer, No) and answer.reason == parse.NOT_UNIQUE:
            earlier = await self.find(order, key, self._client.clock())
            if isinstance(earlier, Absent):
                raise Unreachable("Alpaca knows this key, and does not show its order")
            return earlier
        if isinstance(answer, No):
            return Refused(answer.reason, answer.text)
        placed = parse.order(answer)
        return Accepted(placed.id, placed.created_at)

    async def find(self, order: OrderIntent, key: ClientKey, sent_at: datetime) -> Accepted | Refused | Absent:  # noqa: ARG002 - the key is enough here
        """Look an order up by its key."""
        answer = await self._client.call("GET", "orders:by_client_order_id", query={"client_order_id": str(key)})
        if isinstance(answer, No):
            return _absent(answer)
        return await self._told_of(parse.order(answer))

    async def cancel(self, order: OrderIntent, key: ClientKey, broker_order_id: str) -> Accepted | CancelRefused:  # noqa: ARG002 - its id is enough here
        """Cancel the newest of the chain; what is canceled already is answered as it is."""
        with in_lane("cancel"):
            return await self._cancel(broker_order_id)

    async def _cancel(self, broker_order_id: str) -> Accepted | CancelRefused:
        line = await self._chain(broker_order_id)
        if not line:
            return CancelRefused("order_not_found", f"Alpaca shows no order {broker_order_id}.")
        if line[-1].status not in _ENDS:
            await self._client.call("DELETE", f"orders/{line[-1].id}")
        after = await self._standing(broker_order_id)
        if isinstance(after, Refused):
            return CancelRefused("order_rejected", after.text)
        if after.ended is None:
            return CancelRefused("already_filled", "The order was filled before the cancel arrived.")
        if after.ended.reason == "expired":
            return CancelRefused("already_expired", "The order expired before the cancel arrived.")
        return after

    async def replace(
        self,
        order: OrderIntent,  # noqa: ARG002 - its id is enough here
        key: ClientKey,  # noqa: ARG002
        broker_order_id: str,
        change: Replacement,
    ) -> Replaced | ReplaceRefused:
        """Replace the newest of the chain; what is so already is answered as it is."""
        with in_lane("exit"):
            return await self._replace(broker_order_id, change)

    async def _replace(self, broker_order_id: str, change: Replacement) -> Replaced | ReplaceRefused:
        line = await self._chain(broker_order_id)
        if not line:
            return ReplaceRefused("order_not_found", f"Alpaca shows no order {broker_order_id}.")
        before, tail = await self._told_of(line[0]), line[-1]
        if isinstance(before, Refused):
            return ReplaceRefused("order_rejected", before.text)
        if tail.replaces and (tail.quantity, tail.limit_price) == (change.quantity, change.limit_price):
            return Replaced(Accepted(before.broker_order_id, before.accepted_at), before)
        if before.ended is not None:
            return ReplaceRefused(f"already_{before.ended.reason}", "The order was over before the change arrived.")
        body = {"qty": f"{change.quantity:f}"}
        if change.limit_price is not None:
            body["limit_price"] = f"{change.limit_price:f}"
        answer = await self._client.call("PATCH", f"orders/{tail.id}", body)
        if isinstance(answer, No):
            return ReplaceRefused(answer.reason, answer.text)
        after = await self._standing(broker_order_id)
        return ReplaceRefused("order_rejected", after.text) if isinstance(after, Refused) else Replaced(before, after)

    async def reports(self) -> AsyncGenerator[Sequence[Report], None]:
        """Tell of orders that have changed, as soon as the stream hints at it and every few seconds."""
        listening = asyncio.ensure_future(self._listen())
        again = min(AGAIN_SECONDS, self._poll_seconds)
        try:
            while True:
                self.hint.clear()
                news, seen = await self._news()
                if news:
                    yield news
                    self._told.update(seen)
                    continue
                try:
                    # wait_for may lose a cancellation before 3.12
                    async with asyncio.timeout(again if self._is_unsure else self._poll_seconds):
                        await self.hint.wait()
                except TimeoutError:
                    continue
        finally:
            listening.cancel()

    async def listed(self) -> list[Listed]:
        """Every order of the last days, oldest first, whoever placed it; without those that Alpaca refused."""
        orders = await self._recent()
        firsts = [each for each in orders.values() if each.replaces not in orders and each.status != "rejected"]
        return [await self._listed(first) for first in firsts]

    async def told(self, listed: Listed) -> Accepted | Refused:
        """Everything Alpaca says of an order and its replacements."""
        return await self._standing(listed.broker_order_id)

    async def _listed(self, first: AlpacaOrder) -> Listed:
        line = await self._line(first)
        filled, amount = first.filled, first.filled * first.average_price
        if len(line) > 1:  # whether a replacement's own figures have what was traded before it is told nowhere
            fills = await self._fills(line)
            filled = sum((fill.quantity for fill in fills), Decimal(0))
            amount = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
        return Listed(
            broker_order_id=first.id,
            symbol=first.symbol,
            side=first.side,
            quantity=line[-1].quantity,
            limit_price=line[-1].limit_price,
            filled=filled,
            amount=amount,
            is_open=line[-1].status not in _OVER,
            placed_at=first.created_at,
        )

    async def balance(self) -> Balance:
        """Cash and holdings of the account."""
        account, positions = [await self._client.call("GET", path) for path in ("account", "positions")]
        if isinstance(account, No) or isinstance(positions, No):
            raise Unreachable("Alpaca does not show the account")
        return parse.balance(account, positions)

    async def buying_power(self, symbol: str, limit_price: Decimal) -> BuyingPower | Refused:  # noqa: ARG002 - one for all
        """Without margin."""
        account = await self._client.call("GET", "account")
        if isinstance(account, No):
            raise Unreachable("Alpaca does not show the account")
        return parse.buying_power(account, limit_price)

    async def _news(self) -> tuple[list[Report], dict[str, tuple[str, str, Decimal]]]:
        try:
            with in_lane("history"):
                orders = await self._recent()
            tails = {order.id: _tail(orders, order) for order in orders.values()}
            owners = await self._keys_of(list(orders)) if orders else {}
            seen = {name: (tails[name].id, tails[name].status, tails[name].filled) for name in owners}
            changed = [name for name in owners if self._told.get(name) != seen[name]]
            answers = {name: await self._told_of(orders[name]) for name in changed}
        except LineFailure:
            self._is_unsure = True
            return [], {}
        self._is_unsure = False
        return [Report(owners[name], answer) for name, answer in answers.items() if isinstance(answer, Accepted)], seen

    async def _recent(self) -> dict[str, AlpacaOrder]:
        """Every order of the last days, by id; a page that is missing is an error, not an end."""
        found: dict[str, AlpacaOrder] = {}
        after = (self._client.clock() - LOOK_BACK).astimezone(UTC).isoformat()
        for _ in range(PAGES_MAX):
            query = {"status": "all", "after": after, "direction": "asc", "limit": str(ORDERS_MAX)}
            answer = await self._client.call("GET", "orders", query=query)
            if isinstance(answer, No):
                raise Unreachable(f"Alpaca does not show its orders: {answer.text}")
            page = [parse.order(body) for body in answer]
            found |= {order.id: order for order in page}
            if len(page) < ORDERS_MAX:
                return found
            after = page[-1].submitted_at
        raise Unreachable(f"Alpaca shows more than {PAGES_MAX} pages of orders")

    async def _chain(self, root: str) -> list[AlpacaOrder]:
        """An order and its replacements, oldest first; nothing when Alpaca does not know the first."""
        answer = await self._client.call("GET", f"orders/{root}")
        return [] if isinstance(answer, No) else await self._line(parse.order(answer))

    async def _standing(self, root: str) -> Accepted | Refused:
        """What Alpaca says now about an order it has shown before."""
        answer = await self._client.call("GET", f"orders/{root}")
        if isinstance(answer, No):
            raise Unreachable(f"Alpaca does not show order {root} any more")
        return await self._told_of(parse.order(answer))

    async def _line(self, first: AlpacaOrder) -> list[AlpacaOrder]:
        line = [first]
        while (following := line[-1].replaced_by) is not None and len(line) < CHAIN_MAX:
            answer = await self._client.call("GET", f"orders/{following}")
            if isinstance(answer, No):
                raise Unreachable(f"Alpaca does not show what replaced order {line[-1].id}")
            line.append(parse.order(answer))
        return line

    async def _told_of(self, first: AlpacaOrder) -> Accepted | Refused:
        """What Alpaca says about an order and everything that came of it."""
        line = await self._line(first)
        tail = line[-1]
        if tail.status == "rejected":
            return Refused("rejected_by_broker", f"Alpaca refused order {tail.id}.")
        if tail.status in _PENDING:
            raise Unreachable(f"Alpaca has not decided yet: order {tail.id} is {tail.status}")
        said = max(order.filled for order in line)
        fills = await self._fills(line) if said else []
        filled = sum((fill.quantity for fill in fills), Decimal(0))
        if filled < (tail.quantity if tail.status == "filled" else said):
            raise Unreachable(f"Alpaca's activities are behind: order {tail.id} has traded more than they show")
        executions = tuple(parse.execution(first.side, fill) for fill in fills)
        reason = _ENDS.get(tail.status)
        ended = None if reason is None else Ended(reason, tail.quantity - filled)  # type: ignore[arg-type]
        return Accepted(first.id, first.created_at, executions, ended)

    async def _fills(self, line: Sequence[AlpacaOrder]) -> list[Fill]:
        """Every execution of a chain, oldest first."""
        ids, found, mark = {order.id for order in line}, list[Fill](), ""
        for _ in range(PAGES_MAX):
            query = {
                "after": line[0].created_at.astimezone(UTC).isoformat(),
                "direction": "asc",
                "page_size": str(ACTIVITIES_MAX),
            }
            answer = await self._client.call("GET", "account/activities/FILL", query=query | _page(mark))
            if isinstance(answer, No):
                raise Unreachable(f"Alpaca does not show its activities: {answer.text}")
            page = parse.fills(answer)
            found += [fill for fill in page if fill.order_id in ids]
            if len(page) < ACTIVITIES_MAX:
                return found
            mark = page[-1].id
        raise Unreachable(f"Alpaca shows more than {PAGES_MAX} pages of activities")

    async def _listen(self) -> None:
        if self._stream:
            await follow(self._stream, self._greet, self._hear, self.hint)

    async def _greet(self, line: ClientConnection) -> None:
        keys = self._client.credentials
        await line.send(dumps_text({"action": "auth", "key": keys.key_id, "secret": keys.secret_key}))
        answer = loads(await line.recv())
        if answer.get("data", {}).get("status") != "authorized":
            raise ValueError("Alpaca's stream does not take this key")
        await line.send(dumps_text({"action": "listen", "data": {"streams": ["trade_updates"]}}))

    async def _hear(self, _: ClientConnection, frame: str | bytes) -> bool:
        heard: Mapping[str, Any] = loads(frame)
        if heard.get("stream") != "trade_updates":
            return bool(heard.get("stream") == "listening")  # what came before is in the list
        drifts.see("alpaca", "trade_updates", len(heard.get("data", {}).get("order", {})))
        return True


def _page(mark: str) -> dict[str, str]:
    return {"page_token": mark} if mark else {}


def _absent(answer: No) -> Absent:
    """Nothing under this key, which Alpaca says with a 404; any other no says nothing about it."""
    if answer.text.endswith("(40410000)"):
        return Absent()
    raise Unreachable(f"Alpaca does not look the order up: {answer.text}")


def _tail(orders: Mapping[str, AlpacaOrder], order: AlpacaOrder) -> AlpacaOrder:
    while order.replaced_by is not None and order.replaced_by in orders:
        order = orders[order.replaced_by]
    return order
