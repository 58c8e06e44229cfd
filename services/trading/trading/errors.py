"""Every expected failure: its status, its code, and when."""

from kit.errors import AppError, NotFound

from trading.domain.order import Order
from trading.domain.request import Reason


class AccountNotFound(NotFound):
    """There is no such account, or it is somebody else's."""

    CODE = "account_not_found"
    TITLE = "There is no such account"


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


class OrderNotOpen(AppError):
    """The order has come to its end: there is nothing left to cancel."""

    STATUS = 409
    CODE = "order_not_open"
    TITLE = "The order is not open"


class LiveNotPermitted(AppError):
    """Accounts are paper for now."""

    STATUS = 422
    CODE = "live_not_permitted"
    TITLE = "Live accounts are not permitted"


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
    """A live account's money is real: it cannot begin anew."""

    STATUS = 409
    CODE = "not_paper"
    TITLE = "Only a paper account can be reset"


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
