"""Every failure notification expects: status, code, and what to do."""

from typing import ClassVar

from kit.errors import AppError, FieldError, NotFound


class TooManyAlerts(AppError):
    """An owner has as many alerts as anybody may have."""

    STATUS = 409
    CODE = "too_many_alerts"
    TITLE = "No room for another alert"


class ExpiryPassed(AppError):
    """An alert that would have expired before it was made."""

    STATUS = 422
    CODE = "expiry_passed"
    TITLE = "The expiry is not in the future"

    def __init__(self) -> None:
        found = FieldError(field="expires_at", message="must be in the future", code=self.CODE)
        super().__init__("Choose an expiry in the future, or leave it out.", errors=[found])


class InvalidRule(AppError):
    """A rule that cannot be read, or never judged; `errors[]` says why, and at which column."""

    STATUS = 422
    CODE = "invalid_rule"
    TITLE = "The rule cannot be used"

    def __init__(self, message: str, message_ko: str, column: int) -> None:
        """Say why, in both languages, and where: the column counts from 1."""
        wrong = FieldError(field="rule", message=message, code=self.CODE)
        super().__init__(message, errors=[wrong], column=column, message_ko=message_ko)


class ChannelNotFound(NotFound):
    """There is no such channel, or it is somebody else's."""

    CODE = "channel_not_found"
    TITLE = "There is no such channel"


class NotificationNotFound(NotFound):
    """There is no such notification, or it is somebody else's."""

    CODE = "notification_not_found"
    TITLE = "There is no such notification"


class DeliveryNotFound(NotFound):
    """There is no such delivery, or it is somebody else's."""

    CODE = "delivery_not_found"
    TITLE = "There is no such delivery"


class TooManyChannels(AppError):
    """An owner has as many channels as anybody may have."""

    STATUS = 409
    CODE = "too_many_channels"
    TITLE = "No room for another channel"


class ChannelNotOffered(AppError):
    """The operator has not set up what this kind of channel needs."""

    STATUS = 409
    CODE = "channel_not_offered"
    TITLE = "This installation does not offer the channel"


class ChannelUnusable(AppError):
    """An address that nothing can or may be sent to."""

    STATUS = 422
    CODE = "channel_unusable"
    TITLE = "Nothing can be sent there"


class ChannelNotActive(AppError):
    """The channel waits for its code, is switched off, or broke."""

    STATUS = 409
    CODE = "channel_not_active"
    TITLE = "The channel is not in use"


class WrongCode(AppError):
    """The code that was sent to the address is another one, or too old."""

    STATUS = 422
    CODE = "wrong_code"
    TITLE = "The code does not confirm the channel"


class NotReplayable(AppError):
    """Only what was given up can be sent again."""

    STATUS = 409
    CODE = "not_replayable"
    TITLE = "This delivery cannot be sent again"


class TooManyDeliveries(AppError):
    """An owner has had as much delivered within an hour as anybody may."""

    STATUS = 429
    CODE = "too_many_deliveries"
    TITLE = "Too many deliveries"
    HEADERS: ClassVar[dict[str, str]] = {"Retry-After": "600"}


class UnknownTimeZone(AppError):
    """A time zone nobody has heard of."""

    STATUS = 422
    CODE = "unknown_time_zone"
    TITLE = "There is no such time zone"

    def __init__(self) -> None:
        found = FieldError(field="time_zone", message="is not in the list of time zones", code=self.CODE)
        super().__init__("Choose a time zone such as Asia/Seoul or America/New_York.", errors=[found])
