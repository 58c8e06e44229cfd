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


class BookNotFound(NotFound):
    """No order book of this symbol has come: no session of it has run, or its source shows none."""

    CODE = "order_book_not_found"
    TITLE = "There is no order book"


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


class BadRule(AppError):
    """A rule or an indicator cannot be read; `errors` says why, `column` where, `message_ko` why in Korean."""

    STATUS = 422
    CODE = "invalid_rule"
    TITLE = "The rule cannot be used"


class NoBars(NotFound):
    """No bars of this market and day are stored, so nothing can be computed from them."""

    CODE = "no_bars"
    TITLE = "There are no bars"


class ScreenNotFound(NotFound):
    """The caller has no such saved screen."""

    CODE = "screen_not_found"
    TITLE = "The screen is not known"


class WatchlistNotFound(NotFound):
    """The caller has no such watchlist."""

    CODE = "watchlist_not_found"
    TITLE = "The watchlist is not known"


class TooMany(AppError):
    """The caller has as many of these as anybody may."""

    STATUS = 422
    CODE = "too_many"
    TITLE = "There are too many"


class ActionNotFound(NotFound):
    """The symbol has no such corporate action."""

    CODE = "action_not_found"
    TITLE = "The corporate action is not known"
