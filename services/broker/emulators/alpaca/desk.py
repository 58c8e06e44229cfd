"""What Alpaca does for one account: orders, changes, lists, activities and figures, on the house's books."""

import uuid
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from quant.matching import TimeInForce

from emulators.alpaca import rows
from emulators.alpaca.market import Market
from emulators.alpaca.stream import Stream
from emulators.house import House, No, Slip

CLIENT_KEY_MAX: Final = 128
TIMES: Final[dict[str, TimeInForce]] = {"day": "day", "ioc": "ioc", "fok": "fok", "opg": "at_open", "cls": "at_close"}


class Refused(Exception):
    """The house says no, by its reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Desk:
    """What the trading API does, for one account number at a time."""

    def __init__(self, house: House, stream: Stream) -> None:
        self.house = house
        self.stream = stream
        self.market = Market(house)
        self.replaced: dict[str, str] = {}

    def show(self, slip: Slip) -> dict[str, Any]:
        return rows.order(slip, self.replaced.get(slip.number))

    def mine(self, account: str) -> list[Slip]:
        """Orders and replacements, oldest first; cancels are no orders here."""
        return [slip for slip in self.house.slips.values() if slip.account == account and slip.action != "cancel"]

    def place(self, account: str, asked: dict[str, Any]) -> dict[str, Any]:
        key = str(asked.get("client_order_id") or uuid.uuid4())
        if len(key) > CLIENT_KEY_MAX or "qty" not in asked or asked.get("type") not in {"market", "limit"}:
            raise Refused("parameter")
        if asked.get("order_class", "") not in {"", "simple"}:
            raise Refused("parameter")
        if any(slip.client_key == key for slip in self.mine(account)):
            raise Refused("not_unique")
        is_limit = asked["type"] == "limit"
        slip = Slip(
            number=self.house.next_number(),
            original="",
            account=account,
            symbol=str(asked["symbol"]),
            side=asked["side"],
            kind=str(asked["time_in_force"]),
            quantity=Decimal(str(asked["qty"])),
            price=Decimal(str(asked["limit_price"])) if is_limit else Decimal(0),
            at=self.house.clock(),
            limit=is_limit,
            time_in_force=TIMES[str(asked["time_in_force"])],
            client_key=key,
        )
        refusal = self.house.place(slip)
        if refusal is not None:
            raise Refused(refusal.reason)
        return self.show(slip)

    def close(self, account: str, symbol: str, query: dict[str, str]) -> dict[str, Any]:
        """Sell a position at market, or so many shares or percent of it."""
        held = Decimal(self.position(account, symbol)["qty"])
        share = Decimal(query.get("percentage", "100")) / 100
        count = query.get("qty") or rows.plain((held * share).to_integral_value(ROUND_DOWN))
        order = {"symbol": symbol, "qty": count, "side": "sell", "type": "market", "time_in_force": "day"}
        return self.place(account, order)

    def find(self, account: str, number: str) -> Slip:
        found = next((slip for slip in self.mine(account) if slip.number == number), None)
        if found is None:
            raise Refused("order_not_found")
        return found

    def find_by_key(self, account: str, key: str) -> dict[str, Any]:
        found = next((slip for slip in self.mine(account) if slip.client_key == key), None)
        if found is None:
            raise Refused("order_not_found")
        return self.show(found)

    def replace(self, account: str, number: str, asked: dict[str, Any]) -> dict[str, Any]:
        slip = self.find(account, number)
        filled = self._filled(slip)
        total = Decimal(str(asked.get("qty", slip.quantity + filled - slip.filled)))
        price = Decimal(str(asked.get("limit_price", slip.price)))
        if not slip.open or total <= filled:
            raise Refused("not_open")
        key, new = str(asked.get("client_order_id") or uuid.uuid4()), self.house.next_number()
        self.replaced[number] = new
        child = self.house.change(number, account, new, total - filled, price)
        if isinstance(child, No):
            del self.replaced[number]
            raise Refused(child.reason)
        child.client_key = key
        return self._whole(child)

    def _filled(self, slip: Slip) -> Decimal:
        """What a chain has traded up to an order."""
        filled = slip.filled
        while slip.original:
            slip = self.house.slips[slip.original]
            filled += slip.filled
        return filled

    def _whole(self, slip: Slip) -> dict[str, Any]:
        """An order as the API shows it: a replacement's quantity is the total, with what was traded before it."""
        before = self._filled(slip) - slip.filled
        return self.show(slip) | {"qty": rows.plain(slip.quantity + before)}

    def cancel(self, account: str, number: str) -> None:
        slip = self.find(account, number)
        if isinstance(self.house.cancel(slip.number, account, self.house.next_number(), None), No):
            raise Refused("not_open")

    def orders(self, account: str, query: dict[str, str]) -> list[dict[str, Any]]:
        after, until = query.get("after", ""), query.get("until", "")
        is_open = {"open": True, "closed": False}.get(query.get("status", "open"))
        symbols = {*query["symbols"].split(",")} if query.get("symbols") else None
        found = [
            slip
            for slip in self.mine(account)
            if (is_open is None or bool(slip.open) == is_open)
            and (not after or slip.at > _moment(after))
            and (not until or slip.at < _moment(until))
            and (symbols is None or slip.symbol in symbols)
            and query.get("side", slip.side) == slip.side
        ]
        found.sort(key=lambda slip: slip.at, reverse=query.get("direction", "desc") == "desc")
        return [self._whole(slip) for slip in found[: min(500, int(query.get("limit", "50")))]]

    def shown(self, account: str, number: str) -> dict[str, Any]:
        return self._whole(self.find(account, number))

    def activities(self, account: str, query: dict[str, str]) -> list[dict[str, Any]]:
        totals: dict[str, Decimal] = {}
        found = []
        for dealt in self.house.dealt:
            if dealt.slip.account != account:
                continue
            totals[dealt.slip.number] = totals.get(dealt.slip.number, Decimal(0)) + dealt.quantity
            after, until = query.get("after", ""), query.get("until", "")
            if (not after or dealt.at >= _moment(after)) and (not until or dealt.at <= _moment(until)):
                found.append(rows.activity(dealt, totals[dealt.slip.number]))
        if query.get("direction", "desc") == "desc":
            found.reverse()
        ids = [row["id"] for row in found]
        begin = ids.index(query["page_token"]) + 1 if query.get("page_token") in ids else 0
        return found[begin : begin + min(100, int(query.get("page_size", "100")))]

    def position(self, account: str, symbol: str) -> dict[str, Any]:
        found = [row for row in self.positions(account) if row["symbol"] == symbol]
        if not found:
            raise Refused("no_position")
        return found[0]

    def positions(self, account: str) -> list[dict[str, Any]]:
        held = self.house.account(account)
        return [
            rows.position(symbol, held, self.house.exchanges[symbol]) for symbol, count in held.shares.items() if count
        ]

    def account(self, account: str) -> dict[str, Any]:
        worth = sum((Decimal(row["market_value"]) for row in self.positions(account)), Decimal(0))
        return rows.account(account, self.house.account(account), worth, self.house.spendable(account))

    def quote(self, symbol: str) -> dict[str, Any]:
        if symbol not in self.house.exchanges:
            raise Refused("unknown_symbol")
        return self.market.quote(symbol)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "+"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
