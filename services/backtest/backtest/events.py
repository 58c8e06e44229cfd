"""Everything the backtest service announces."""

from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from kit.events import Event
from kit.money import Money
from pydantic import BaseModel, ConfigDict

from backtest.domain.outcome import Metrics
from backtest.domain.run import Kind

FOUR_DECIMALS = Decimal("0.0001")


class RunRequested(Event):
    """A backtest or a sweep waits to be computed. The service's own worker listens."""

    TYPE: ClassVar[str] = "backtest.run.requested.v1"
    SUBJECT: ClassVar[str] = "run_id"

    run_id: UUID
    kind: Kind


class Summary(BaseModel):
    """The figures a notice shows, as fractions with four decimals; of a sweep, those of its best trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    total_return: Money | None
    max_drawdown: Money | None
    sharpe: Money | None
    trades: int


class RunFinished(Event):
    """A run ended; a failed one has no summary, its job says why."""

    TYPE: ClassVar[str] = "backtest.run.finished.v1"
    SUBJECT: ClassVar[str] = "run_id"

    run_id: UUID
    kind: Kind
    status: Literal["done", "failed"]
    summary: Summary | None


class RunCanceled(Event):
    """A run ended because its owner wanted no more of it; nobody has to hear of it yet."""

    TYPE: ClassVar[str] = "backtest.run.canceled.v1"
    SUBJECT: ClassVar[str] = "run_id"
    MUST_REACH: ClassVar[bool] = False

    run_id: UUID
    kind: Kind


class StrategyPublished(Event):
    """A strategy has a new version that will never change, told whole: who acts on it never has to ask for it.

    `document` is what `domain/document.py` writes; its `format` says how to read it.
    """

    TYPE: ClassVar[str] = "backtest.strategy.published.v1"
    SUBJECT: ClassVar[str] = "strategy_id"
    MUST_REACH: ClassVar[bool] = False

    strategy_id: UUID
    version: int
    name: str
    description: str
    document: dict[str, Any]


def summary_of(metrics: Metrics) -> Summary:
    """The figures of a notice, from all figures of a result."""
    return Summary(
        total_return=_rounded(metrics["total_return"]),
        max_drawdown=_rounded(metrics["max_drawdown"]),
        sharpe=_rounded(metrics["sharpe"]),
        trades=int(metrics["trades"] or 0),
    )


def _rounded(figure: float | None) -> Decimal | None:
    return None if figure is None else Decimal(figure).quantize(FOUR_DECIMALS)


class OwnerErased(Event):
    """Somebody who left is forgotten here."""

    TYPE: ClassVar[str] = "backtest.owner.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"

    user_id: UUID
