"""Every expected failure: its status, its code, and when."""

from typing import ClassVar

from kit.errors import AppError, NotFound, Unavailable

from trading.domain.order import Order
from trading.domain.request import Reason


class AccountNotFound(NotFound):
    """There is no such account, or it is somebody else's."""

    CODE = "account_not_found"
    TITLE = "There is no such account"


class ConnectionNotFound(NotFound):
    """There is no such connection to a broker, or it is somebody else's."""

    CODE = "connection_not_found"
    TITLE = "There is no such connection"


class ConnectionTaken(AppError):
    """One account at a broker is one account here: two could not be told apart there."""

    STATUS = 409
    CODE = "connection_taken"
    TITLE = "Another account is bound to this connection"


class OrderNotFound(NotFound):
    """There is no such order, or it is somebody else's."""

    CODE = "order_not_found"
    TITLE = "There is no such order"


class OrderDenied(AppError):
    """The risk review refused. The order is kept as `denied`; the code is the reason."""

    STATUS = 422
    CODE = " | ".join(Reason)
    TITLE = "The order was denied"

    def __init__(self, order: Order, *, replayed: bool) -> None:
        super().__init__(order.detail or "The order was denied.", order_id=order.id)
        self._reason = order.reason or "denied"
        self.headers = {"Idempotency-Replayed": "true"} if replayed else {}

    @property
    def code(self) -> str:
        """The reason of this denial."""
        return self._reason


class ClientOrderIdReused(AppError):
    """The client's id names an order that asks for something else: an id has one outcome forever."""

    STATUS = 409
    CODE = "client_order_id_reused"
    TITLE = "The client order id is taken"


class ReplaceDenied(AppError):
    """The risk review refused the new terms. The order stays as it was; the code is the reason."""

    STATUS = 422
    CODE = " | ".join(Reason)
    TITLE = "The replacement was denied"

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self._reason = reason

    @property
    def code(self) -> str:
        """The reason of this denial."""
        return self._reason


class ReplacementInvalid(AppError):
    """The new terms do not fit the order: a price it does not have, or fewer shares than are filled."""

    STATUS = 422
    CODE = "replacement_invalid"
    TITLE = "The order cannot ask for that"


class OrderNotReplaceable(AppError):
    """The order has ended, or an answer about it is still awaited."""

    STATUS = 409
    CODE = "order_not_replaceable"
    TITLE = "The order cannot be replaced now"


class NothingToClose(AppError):
    """The account has no shares of the instrument that are free to be sold."""

    STATUS = 409
    CODE = "nothing_to_close"
    TITLE = "There is nothing to close"


class NotHalted(AppError):
    """Trading is not halted there."""

    STATUS = 409
    CODE = "not_halted"
    TITLE = "Trading is not halted"


class CoolingOff(AppError):
    """The whole platform, or a broker, stays halted for ten minutes at least."""

    STATUS = 409
    CODE = "cooling_off"
    TITLE = "It is too early to resume"


class DeadManNotArmed(NotFound):
    """No heartbeat is waited for in this account, or it is somebody else's."""

    CODE = "dead_man_not_armed"
    TITLE = "The dead man's switch is not armed"


class OrderNotOpen(AppError):
    """The order has come to its end: there is nothing left to cancel."""

    STATUS = 409
    CODE = "order_not_open"
    TITLE = "The order is not open"


class LiveNotPermitted(AppError):
    """Real money wants the operator's switch and the person's permission; paper and live are never mixed."""

    STATUS = 422
    CODE = "live_not_permitted"
    TITLE = "Real money is not permitted"


class AccountLimit(AppError):
    """An owner has as many accounts as one may have."""

    STATUS = 409
    CODE = "account_limit"
    TITLE = "Too many accounts"


class CashLimit(AppError):
    """A balance would grow beyond what an account may hold."""

    STATUS = 409
    CODE = "cash_limit"
    TITLE = "Too much cash"


class NotWithdrawable(AppError):
    """More was to be withdrawn than is settled and free."""

    STATUS = 409
    CODE = "not_withdrawable"
    TITLE = "This cannot be withdrawn yet"


class NotPaper(AppError):
    """A live account's money is real: it moves at the broker alone, and cannot begin anew."""

    STATUS = 409
    CODE = "not_paper"
    TITLE = "Only a paper account can do that"


class OrdersOpen(AppError):
    """Open orders are in the way: what they hold would be pulled away from under them."""

    STATUS = 409
    CODE = "orders_open"
    TITLE = "There are open orders"


class NotPayable(AppError):
    """An amount of money is finer than what can move."""

    STATUS = 422
    CODE = "not_payable"
    TITLE = "This amount cannot be paid"


class ExportTooLarge(AppError):
    """A file would have more rows than one may have."""

    STATUS = 422
    CODE = "export_too_large"
    TITLE = "This is too much for one file"


class KeyUnusable(AppError):
    """The key is empty, too long, or has characters that are not printable ASCII."""

    STATUS = 422
    CODE = "idempotency_key_invalid"
    TITLE = "The idempotency key cannot be used"


class KeyReused(AppError):
    """The key came before with a different request: one key is one request."""

    STATUS = 422
    CODE = "idempotency_key_reused"
    TITLE = "The idempotency key belongs to another request"


class StillRunning(AppError):
    """The first request of this key has not been answered yet."""

    STATUS = 409
    CODE = "request_in_progress"
    TITLE = "The same request is still running"
    HEADERS: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class Overloaded(Unavailable):
    """More requests are under way than there may be. Nothing of this one was begun."""

    CODE = "overloaded"
    TITLE = "Too much at once"


class AutomationNotFound(NotFound):
    """There is no such automation, or it is somebody else's."""

    CODE = "automation_not_found"
    TITLE = "There is no such automation"


class VersionNotFound(NotFound):
    """The owner has published no such version of a strategy."""

    CODE = "strategy_version_not_found"
    TITLE = "There is no such published version"


class StrategyUnusable(AppError):
    """A published strategy cannot be acted on here."""

    STATUS = 422
    CODE = "strategy_unusable"
    TITLE = "The strategy cannot be automated"


class ScheduleNeverFires(AppError):
    """An automation would never come to look at anything."""

    STATUS = 422
    CODE = "schedule_never_fires"
    TITLE = "The schedule never fires"


class UniverseEmpty(AppError):
    """None of the symbols of an automation has the bars its rules need."""

    STATUS = 409
    CODE = "universe_empty"
    TITLE = "There is nothing to trade"


class AutomationLimit(AppError):
    """An owner has as many automations as one may have."""

    STATUS = 409
    CODE = "automation_limit"
    TITLE = "Too many automations"


class AutomationCoolingOff(AppError):
    """A limit of its own has paused it, too short a while ago."""

    STATUS = 409
    CODE = "automation_cooling_off"
    TITLE = "The automation cools off"


class AutomationAtWork(AppError):
    """It is not stopped, or has shares that are not sold: it cannot be deleted."""

    STATUS = 409
    CODE = "automation_at_work"
    TITLE = "The automation is at work"


class SignalNotFound(NotFound):
    """There is no such signal, or it is somebody else's."""

    CODE = "signal_not_found"
    TITLE = "There is no such signal"


class SignalNotAsked(AppError):
    """A signal is not, or no longer, waiting for an answer."""

    STATUS = 409
    CODE = "signal_not_asked"
    TITLE = "Nothing is asked about this signal"


class HookNotFound(NotFound):
    """There is no such hook, it is somebody else's, or the secret is not its own."""

    CODE = "hook_not_found"
    TITLE = "There is no such hook"


class HookLimit(AppError):
    """An owner has as many hooks as one may have."""

    STATUS = 409
    CODE = "hook_limit"
    TITLE = "Too many hooks"


class AlertTooLarge(AppError):
    """A hook's message says more than one may."""

    STATUS = 422
    CODE = "alert_too_large"
    TITLE = "The message is too large"
