"""Every expected failure of the backtest service: status, code, and when."""

from collections.abc import Sequence

from kit.errors import AppError, FieldError, NotFound

from backtest.domain.run import RUNS_WAITING_MAX
from backtest.domain.strategy import Mistake

RETRY_AFTER_SECONDS = 10


class StrategyNotFound(NotFound):
    """No strategy of this owner has the id."""

    TITLE = "There is no such strategy"


class RunNotFound(NotFound):
    """No run of this owner has the id."""

    TITLE = "There is no such run"


class InvalidRule(AppError):
    """A rule or the parameters of a sweep cannot be used; `errors[]` names each field and the column in it."""

    STATUS = 422
    CODE = "invalid_rule"
    TITLE = "The rules cannot be used"

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        first = mistakes[0]
        super().__init__(
            f"{first.field}: {first.message}",
            errors=[FieldError(field=found.field, message=found.message, code=self.CODE) for found in mistakes],
        )


class TooManyRuns(AppError):
    """The owner has as many unfinished runs as one may have."""

    STATUS = 429
    CODE = "too_many_runs"
    TITLE = "Too many runs are waiting"

    def __init__(self) -> None:
        super().__init__(f"{RUNS_WAITING_MAX} of your runs are not finished yet; wait for one of them to end.")
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class NotFinished(AppError):
    """A result was asked for before there is one."""

    STATUS = 409
    CODE = "not_finished"
    TITLE = "The run has not finished"


class RunFailed(AppError):
    """A result was asked for of a run that ended without one."""

    STATUS = 409
    CODE = "run_failed"
    TITLE = "The run failed"
