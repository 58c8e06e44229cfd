"""Every expected failure of the backtest service: status, code, and when."""

from collections.abc import Sequence

from kit.errors import AppError, FieldError, NotFound

from backtest.domain.marked import Unreadable
from backtest.domain.run import FILES_BYTES_MAX, RUNS_WAITING_MAX, TRIALS_WAITING_MAX
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


class InvalidStrategyFile(AppError):
    """A strategy of another program cannot be taken over; `errors[]` names the line and the column."""

    STATUS = 422
    CODE = "invalid_strategy_file"
    TITLE = "The strategy file cannot be taken over"

    def __init__(self, mistake: Unreadable) -> None:
        place = f"line {mistake.line}, column {mistake.column}"
        found = FieldError(field=place, message=mistake.message, code=self.CODE)
        super().__init__(f"{place}: {mistake.message}", errors=[found])


class TooManyRuns(AppError):
    """The owner has as many unfinished runs as one may have."""

    STATUS = 429
    CODE = "too_many_runs"
    TITLE = "Too many runs are waiting"

    def __init__(self) -> None:
        super().__init__(f"{RUNS_WAITING_MAX} of your runs are not finished yet; wait for one of them to end.")
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class TooManyTrials(AppError):
    """The owner has as many trials under way as one may have."""

    STATUS = 429
    CODE = "too_many_trials"
    TITLE = "Too many trials are waiting"

    def __init__(self, left: int) -> None:
        asked = f"{left:,} more fit now" if left else "none fits now"
        super().__init__(f"You may have {TRIALS_WAITING_MAX:,} trials under way and {asked}; wait, or cancel a run.")
        self.headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}


class StorageFull(AppError):
    """The owner's files of trials take as much as they may."""

    STATUS = 422
    CODE = "storage_full"
    TITLE = "There is no room for the result"

    def __init__(self, needed: int, left: int) -> None:
        said = f"The result may take {needed >> 10:,} KiB and {left >> 10:,} of {FILES_BYTES_MAX >> 10:,} KiB are left"
        super().__init__(f"{said}; remove older runs with DELETE /api/v1/backtest/runs/{{id}}.")


class AlreadyFinished(AppError):
    """A run that has ended cannot be canceled."""

    STATUS = 409
    CODE = "already_finished"
    TITLE = "The run has ended already"


class StillRunning(AppError):
    """A run that has not ended cannot be removed."""

    STATUS = 409
    CODE = "still_running"
    TITLE = "The run has not ended"


class TooManyStreams(AppError):
    """The caller follows as many jobs at a time as one may."""

    STATUS = 429
    CODE = "too_many_streams"
    TITLE = "Too many jobs are followed at a time"


class NoSuchDetail(AppError):
    """A result was asked for what its kind of run does not have."""

    STATUS = 422
    CODE = "not_of_this_kind"
    TITLE = "This kind of run has no such thing"


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
