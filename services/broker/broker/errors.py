"""Every expected failure: its status, its code, and when."""

from kit.errors import AppError, NotFound


class ConnectionNotFound(NotFound):
    """There is no such connection, or it is somebody else's."""

    CODE = "connection_not_found"
    TITLE = "There is no such connection"


class LiveNotPermitted(AppError):
    """Real money needs the person's permission and the operator's switch."""

    STATUS = 403
    CODE = "live_not_permitted"
    TITLE = "Live trading is not permitted"


class CredentialsRefused(AppError):
    """The broker does not take these credentials, so they were not kept."""

    STATUS = 422
    CODE = "credentials_refused"
    TITLE = "The broker refused the credentials"


class BrokerUnreachable(AppError):
    """The broker gives no answer now; nothing was kept or changed."""

    STATUS = 503
    CODE = "broker_unreachable"
    TITLE = "The broker does not answer"


class BrokerRefused(AppError):
    """The broker answers, and says no: the detail has its own words."""

    STATUS = 422
    CODE = "broker_refused"
    TITLE = "The broker refused"


class TooManyConnections(AppError):
    """A person has a bounded number of connections."""

    STATUS = 409
    CODE = "too_many_connections"
    TITLE = "Too many connections"


class DoubtNotFound(NotFound):
    """There is no order of this person's about which anything is in doubt under this id."""

    CODE = "doubt_not_found"
    TITLE = "Nothing is in doubt about this order"


class NotACandidate(AppError):
    """The broker does not show this number, or it is another order."""

    STATUS = 422
    CODE = "not_a_candidate"
    TITLE = "This cannot be the order"
