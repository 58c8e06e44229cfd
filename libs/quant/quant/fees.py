"""What a trade costs and when it settles: commission, Korean transaction taxes and US regulatory fees by date.

Every table is dated. Korean tax and the SEC fee go by the settlement date, FINRA's fee by the trade date. Amounts are
truncated to the won or rounded up to the cent, each part by itself, per execution.
"""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal, localcontext
from functools import lru_cache
from typing import Final

from quant.markets.calendar import add_sessions
from quant.markets.listing import Board, Kind, Market, Side, market_of

US_MARKET_BUY_MARGIN: Final = Decimal("1.05")

_ZERO: Final = Decimal(0)
_WON: Final = Decimal(1)
_CENT: Final = Decimal("0.01")
_PLACES: Final = Decimal("0.00000001")
_DIGITS: Final = 60
"""Digits of working precision: more than any product of a cost and a quantity can have."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A broker's commission as a share of the traded value, per market, both sides."""

    krx_rate: Decimal
    us_rate: Decimal


SCHEDULES: Final = {
    # The usual online rate in Korea; US brokers charge none.
    "default": Schedule(krx_rate=Decimal("0.00015"), us_rate=_ZERO),
    # "Lifetime free" accounts still pay the institutions: exchange 0.0027209 % and depository 0.0009187 %.
    "institutions_only": Schedule(krx_rate=Decimal("0.000036396"), us_rate=_ZERO),
    "free": Schedule(krx_rate=_ZERO, us_rate=_ZERO),
}


@dataclass(frozen=True, slots=True)
class SaleTax:
    """Securities transaction tax and rural special tax, as shares of the value sold."""

    transaction: Decimal
    rural: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        return self.transaction + self.rural


def _percent(text: str) -> Decimal:
    return Decimal(text) / 100


def _tax(transaction: str, rural: str = "0") -> SaleTax:
    return SaleTax(_percent(transaction), _percent(rural))


_KRX_DIVIDEND_TAX: Final = _percent("14")
_LOCAL_TAX: Final = _percent("10")
_US_DIVIDEND_TAX: Final = _percent("15")

_NO_TAX: Final = SaleTax(_ZERO)
# By settlement date, newest first. The trade date that first pays a rate is two sessions earlier.
_KRX_TAX: Final[dict[Board, tuple[tuple[date, SaleTax], ...]]] = {
    "KOSPI": (
        (date(2026, 1, 1), _tax("0.05", "0.15")),
        (date(2025, 1, 1), _tax("0", "0.15")),
        (date(2024, 1, 1), _tax("0.03", "0.15")),
        (date(2023, 1, 1), _tax("0.05", "0.15")),
        (date(2021, 1, 1), _tax("0.08", "0.15")),
        (date(2019, 6, 3), _tax("0.10", "0.15")),
        (date.min, _tax("0.15", "0.15")),
    ),
    "KOSDAQ": (
        (date(2026, 1, 1), _tax("0.20")),
        (date(2025, 1, 1), _tax("0.15")),
        (date(2024, 1, 1), _tax("0.18")),
        (date(2023, 1, 1), _tax("0.20")),
        (date(2021, 1, 1), _tax("0.23")),
        (date(2019, 6, 3), _tax("0.25")),
        (date.min, _tax("0.30")),
    ),
    "KONEX": ((date(2019, 6, 3), _tax("0.10")), (date.min, _tax("0.30"))),
}

# SEC section 31, dollars per million sold, by settlement ("charge") date; before the first line we charge nothing.
_SEC_PER_MILLION: Final = (
    (date(2026, 4, 4), Decimal("20.60")),
    (date(2025, 5, 14), _ZERO),
    (date(2024, 5, 22), Decimal("27.80")),
    (date(2023, 2, 27), Decimal("8.00")),
    (date(2022, 5, 14), Decimal("22.90")),
    (date(2021, 2, 25), Decimal("5.10")),
    (date(2020, 2, 18), Decimal("22.10")),
    (date(2019, 4, 16), Decimal("20.70")),
    (date(2018, 5, 22), Decimal("13.00")),
    (date(2017, 7, 4), Decimal("23.10")),
    (date(2016, 2, 16), Decimal("21.80")),
    (date(2015, 2, 14), Decimal("18.40")),
    (date(2014, 3, 18), Decimal("22.10")),
    (date(2013, 5, 25), Decimal("17.40")),
)

# FINRA trading activity fee: dollars per share sold and the most per trade, by trade date; nothing before.
_TAF: Final = (
    (date(2027, 1, 1), Decimal("0.000232"), Decimal("11.61")),
    (date(2026, 10, 1), _ZERO, _ZERO),
    (date(2026, 1, 1), Decimal("0.000195"), Decimal("9.79")),
    (date(2024, 1, 1), Decimal("0.000166"), Decimal("8.30")),
    (date(2023, 1, 1), Decimal("0.000145"), Decimal("7.27")),
    (date(2022, 1, 1), Decimal("0.000130"), Decimal("6.49")),
    (date(2012, 7, 1), Decimal("0.000119"), Decimal("5.95")),
)

# Sessions from trade to settlement, by trade date. Korea's plan for T+1 (October 2027) is not law yet.
_SETTLEMENT_SESSIONS: Final[dict[Market, tuple[tuple[date, int], ...]]] = {
    "KRX": ((date.min, 2),),
    "US": ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (date.min, 3)),
}
_SETTLEMENT_SESSIONS_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution, or the order it would be: shares, and a price in the market's currency."""

    market: Market
    board: Board
    kind: Kind
    side: Side
    quantity: Decimal
    price: Decimal
    trade_date: date

    def __post_init__(self) -> None:
        if market_of(self.board) != self.market:
            raise ValueError(f"board {self.board} does not belong to market {self.market}")
        if not (self.quantity > 0 and self.price > 0):
            raise ValueError(f"a trade needs shares and a price above zero, not {self.quantity} at {self.price}")

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Costs:
    """What a trade costs: `fee` (commission and regulatory fees), `taxes`, and each part by name."""

    fee: Decimal
    taxes: Decimal
    parts: tuple[tuple[str, Decimal], ...]

    @property
    def total(self) -> Decimal:
        return self.fee + self.taxes


def fees_for(trade: Trade, schedule: str = "default") -> Costs:
    """The costs of one execution under a named commission schedule; ValueError for an unknown one.

    The trade date must lie in the calendar, since taxes go by the settlement date.
    """
    if trade.market == "US":
        return _us_costs(trade, _schedule(schedule).us_rate)
    commission = _won(trade.value * _schedule(schedule).krx_rate)
    if trade.side == "buy":
        return Costs(commission, _ZERO, (("commission", commission),))
    tax = sale_tax(trade.board, trade.kind, trade.trade_date)
    transaction, rural = _won(trade.value * tax.transaction), _won(trade.value * tax.rural)
    parts = (("commission", commission), ("transaction_tax", transaction), ("rural_tax", rural))
    return Costs(commission, transaction + rural, parts)


@dataclass(frozen=True, slots=True)
class DividendPayment:
    """A cash dividend: what was declared, and what the state keeps of it."""

    gross: Decimal
    tax: Decimal

    @property
    def net(self) -> Decimal:
        """What arrives in the account."""
        return self.gross - self.tax


def dividend_after_tax(market: Market, gross: Decimal) -> DividendPayment:
    """A dividend after withholding: in Korea 14 % income tax and a tenth of it local tax (15.4 %), in the US 15 %.

    The payment and each tax are truncated to the won, or to the cent. The US rate is the treaty's for residents of
    Korea, who then owe nothing more at home.
    """
    if market == "US":
        paid = gross.quantize(_CENT, rounding=ROUND_DOWN)
        return DividendPayment(paid, (paid * _US_DIVIDEND_TAX).quantize(_CENT, rounding=ROUND_DOWN))
    paid = _won(gross)
    income_tax = _won(paid * _KRX_DIVIDEND_TAX)
    return DividendPayment(paid, income_tax + _won(income_tax * _LOCAL_TAX))


@lru_cache(maxsize=16_384)
def sale_tax(board: Board, kind: Kind, trade_date: date) -> SaleTax:
    """The Korean tax rates a sale on this trade date pays; zero for funds and for the US."""
    if kind == "etf" or board == "US":
        return _NO_TAX
    settles = settlement_date("KRX", trade_date)
    return next(tax for since, tax in _KRX_TAX[board] if settles >= since)


def sec_rate(trade_date: date) -> Decimal:
    """The SEC section 31 fee of a US sale on this trade date, as a share of its value."""
    settles = settlement_date("US", trade_date)
    return next((rate for since, rate in _SEC_PER_MILLION if settles >= since), _ZERO) / 1_000_000


def sale_rate_changes(board: Board, kind: Kind) -> tuple[tuple[date, Decimal], ...]:
    """(first trade date, share of a sale's value lost to tax and SEC fee) pairs, oldest first, for whole histories.

    FINRA's fee is per share, a hundredth of a cent or two, and not part of it. The first pair begins at `date.min`.
    """
    if board == "US":
        changes = [(since, per_million / 1_000_000) for since, per_million in _SEC_PER_MILLION]
        return ((date.min, _ZERO), *((_first_trade_date("US", since), rate) for since, rate in reversed(changes)))
    if kind == "etf":
        return ((date.min, _ZERO),)
    return tuple((_first_trade_date("KRX", since), tax.total) for since, tax in reversed(_KRX_TAX[board]))


def _first_trade_date(market: Market, since: date) -> date:
    """The first trade date that settles on or after `since`."""
    if since == date.min:
        return since
    trade_date = add_sessions(market, since, -_SETTLEMENT_SESSIONS_MAX)
    while settlement_date(market, trade_date) < since:
        trade_date = add_sessions(market, trade_date, 1)
    return trade_date


def commission_rate(market: Market, schedule: str = "default") -> Decimal:
    """The commission of a schedule as a share of the traded value."""
    rates = _schedule(schedule)
    return rates.us_rate if market == "US" else rates.krx_rate


@lru_cache(maxsize=16_384)
def settlement_date(market: Market, trade_date: date) -> date:
    """The session on which cash and shares change hands; the trade date must be a session of the market."""
    sessions = next(count for since, count in _SETTLEMENT_SESSIONS[market] if trade_date >= since)
    return add_sessions(market, add_sessions(market, trade_date, 0), sessions)


def buy_reserve(trade: Trade, schedule: str = "default") -> Decimal:
    """The cash to hold until a buy is done: its value and fee at the price of `trade` (see `reserve_price`).

    Enough for any split into executions at or below that price where commission is truncated (Korea) or free (US).
    """
    if trade.side != "buy":
        raise ValueError("only a buy reserves cash; a sale holds shares")
    unit = _CENT if trade.market == "US" else _WON
    return trade.value.quantize(unit, rounding=ROUND_CEILING) + fees_for(trade, schedule).total


def reserve_price(limit_price: Decimal | None, upper_limit: Decimal | None, last: Decimal) -> Decimal:
    """The price a buy is reserved at: its limit; at market the day's upper limit, or 5 % above the last price."""
    if limit_price is not None:
        return limit_price
    return upper_limit if upper_limit is not None else last * US_MARKET_BUY_MARGIN


def cost_of_part(cost: Decimal, part: Decimal, held: Decimal) -> Decimal:
    """What `part` of `held` shares at moving-average cost takes with it, to 8 places; the last share takes the rest."""
    if part >= held:
        return cost
    with localcontext(prec=_DIGITS):
        return (cost * part / held).quantize(_PLACES)


def _us_costs(trade: Trade, rate: Decimal) -> Costs:
    commission = _cents(trade.value * rate)
    if trade.side == "buy":
        return Costs(commission, _ZERO, (("commission", commission),))
    sec = _cents(trade.value * sec_rate(trade.trade_date))
    per_share, most = _taf(trade.trade_date)
    taf = _cents(min(trade.quantity * per_share, most))
    return Costs(commission + sec + taf, _ZERO, (("commission", commission), ("sec_fee", sec), ("taf", taf)))


def _taf(trade_date: date) -> tuple[Decimal, Decimal]:
    return next(((rate, most) for since, rate, most in _TAF if trade_date >= since), (_ZERO, _ZERO))


def _schedule(name: str) -> Schedule:
    if name not in SCHEDULES:
        raise ValueError(f"unknown fee schedule {name!r}: use one of {', '.join(SCHEDULES)}")
    return SCHEDULES[name]


def _won(amount: Decimal) -> Decimal:
    return amount.quantize(_WON, rounding=ROUND_DOWN)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_CEILING)
