"""The bounded values of requests and answers, with examples."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from kit.money import Money
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from quant.markets.listing import Currency, minor_unit
from quant.markets.symbols import SYMBOL_TEXT_MAX, Listing, normalise
from quant.rules import TEXT_MAX

from backtest.domain.grid import PARAMETERS_MAX, VALUES_MAX
from backtest.domain.run import Terms

NAME_LENGTH_MAX = 100
DESCRIPTION_LENGTH_MAX = 2_000
INITIAL_CASH_DEFAULT = Decimal(10_000_000)
INITIAL_CASH_MIN = 1_000
INITIAL_CASH_MAX = 1_000_000_000_000
PARAMETER_VALUE_MAX = 1_000_000_000_000
SEED_MAX = 2**31 - 1
PRICE_DECIMALS = Decimal("0.0001")
NO_CONTROL_CHARACTERS = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"


def _listing(value: Any) -> Listing:
    if not isinstance(value, str):
        raise ValueError("a symbol is a string such as 005930 or AAPL")  # noqa: TRY004 - a field error, not a bug
    return normalise(value)


def _number(value: Any) -> int | float:
    """A JSON number as it is: 5 stays 5, and neither "5" nor true nor NaN is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")  # noqa: TRY004 - a field error, not a bug
    if not -PARAMETER_VALUE_MAX <= value <= PARAMETER_VALUE_MAX:
        raise ValueError(f"must be a number between -{PARAMETER_VALUE_MAX:,} and {PARAMETER_VALUE_MAX:,}")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must say something")
    return text.strip()


Symbol = Annotated[
    Listing,
    PlainValidator(_listing),
    WithJsonSchema({"type": "string", "maxLength": SYMBOL_TEXT_MAX, "examples": ["005930", "AAPL", "KRX:005930"]}),
]
Name = Annotated[
    str, Field(min_length=1, max_length=NAME_LENGTH_MAX, pattern=NO_CONTROL_CHARACTERS), AfterValidator(_not_blank)
]
Description = Annotated[str, Field(max_length=DESCRIPTION_LENGTH_MAX, pattern=NO_CONTROL_CHARACTERS)]
RuleText = Annotated[str, Field(min_length=1, max_length=TEXT_MAX, examples=["rsi(14) < 30 and close > sma(200)"])]
StopLoss = Annotated[Money, Field(gt=0, lt=1, description="A fraction of the entry price: 0.05 sells 5 % below it.")]
InitialCash = Annotated[
    Money, Field(ge=INITIAL_CASH_MIN, le=INITIAL_CASH_MAX, description="In the market's currency: KRW or USD.")
]
ParameterName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,31}$")]
ParameterValue = Annotated[
    int | float,
    PlainValidator(_number),
    WithJsonSchema({"type": "number", "minimum": -PARAMETER_VALUE_MAX, "maximum": PARAMETER_VALUE_MAX}),
]
ParameterValues = Annotated[list[ParameterValue], Field(min_length=1, max_length=VALUES_MAX)]
Parameters = Annotated[
    dict[ParameterName, ParameterValues],
    Field(min_length=1, max_length=PARAMETERS_MAX, examples=[{"fast": [5, 10, 20], "slow": [50, 100]}]),
]


class PeriodIn(BaseModel):
    """Over which days (both included; all there are, if not said), with how much."""

    model_config = ConfigDict(extra="forbid")

    from_: date | None = Field(default=None, alias="from")
    to: date | None = None
    initial_cash: InitialCash = INITIAL_CASH_DEFAULT

    @model_validator(mode="after")
    def _days_rise(self) -> Self:
        if self.from_ and self.to and self.to <= self.from_:
            raise ValueError("`to` must be later than `from`")
        return self


class TermsIn(PeriodIn):
    """What is traded, over which days, with how much."""

    symbol: Symbol

    @property
    def terms(self) -> Terms:
        return Terms(self.symbol, self.initial_cash, self.from_, self.to)


def amount(figure: float, currency: Currency) -> Decimal:
    """A simulated amount of money, rounded to what the currency has: won, or cents."""
    return Decimal(figure).quantize(minor_unit(currency))


def price(figure: float) -> Decimal:
    """A simulated price to four decimals: averages and slippage leave the tick grid."""
    return Decimal(figure).quantize(PRICE_DECIMALS)
