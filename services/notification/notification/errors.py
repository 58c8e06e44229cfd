"""Every failure notification expects: status, code, and what to do."""

from kit.errors import AppError, FieldError


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
