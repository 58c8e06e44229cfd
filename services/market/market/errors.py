"""Every failure market expects: status, stable code, and when it happens."""

from kit.errors import AppError, NotFound


class BadSymbols(AppError):
    """A symbol is not one, or there are too many."""

    STATUS = 422
    CODE = "invalid_symbol"
    TITLE = "The symbols cannot be used"


class BadRange(AppError):
    """The days asked for run backwards."""

    STATUS = 422
    CODE = "invalid_range"
    TITLE = "The range of days cannot be used"


class StockNotFound(NotFound):
    """No bars of this symbol were ever imported."""

    CODE = "stock_not_found"
    TITLE = "The stock is not known"


class QuoteNotFound(NotFound):
    """Nothing has been quoted for this symbol: no session is running or replayed."""

    CODE = "quote_not_found"
    TITLE = "There is no quote"


class ReplayNotFound(NotFound):
    """There is no such replay."""

    CODE = "replay_not_found"
    TITLE = "The replay is not known"


class BadRows(AppError):
    """Rows of an import cannot be used, so nothing of it was stored; `errors` lists the first, `bad_count` all."""

    STATUS = 422
    CODE = "bad_rows"
    TITLE = "Rows cannot be imported"


class BadUpload(AppError):
    """The upload itself is wrong: no files, too many, too large, or fields that contradict each other."""

    STATUS = 422
    CODE = "bad_upload"
    TITLE = "The upload cannot be used"


class NothingToReplay(AppError):
    """A symbol has no traded bar on the day."""

    STATUS = 422
    CODE = "nothing_to_replay"
    TITLE = "There is nothing to replay"


class ReplayRunning(AppError):
    """A symbol is being replayed already; two sessions at once would contradict each other."""

    STATUS = 409
    CODE = "replay_running"
    TITLE = "A replay of a symbol is running"
