"""Every failure auth expects: status, code, and what to do."""

import math
from datetime import timedelta

from kit.errors import AppError, FieldError


class EmailTaken(AppError):
    """An account with this address exists. Says so, until addresses are verified by mail: see the README."""

    STATUS = 409
    CODE = "email_taken"
    TITLE = "There is an account with this e-mail address"


class WeakPassword(AppError):
    """Too short, too common, or made of the person's own name."""

    STATUS = 422
    CODE = "weak_password"
    TITLE = "The password is too easy to guess"

    def __init__(self, weakness: str) -> None:
        found = FieldError(field="password", message=weakness, code=self.CODE)
        super().__init__(f"The password {weakness}.", errors=[found])


class WrongCredentials(AppError):
    """No such account, or not its password: nobody learns which."""

    STATUS = 401
    CODE = "wrong_credentials"
    TITLE = "E-mail address or password is wrong"


class TooManyAttempts(AppError):
    """Somebody at this address keeps guessing at this account."""

    STATUS = 429
    CODE = "too_many_attempts"
    TITLE = "Too many failed attempts"

    def __init__(self, wait: timedelta) -> None:
        seconds = math.ceil(wait.total_seconds())
        super().__init__(f"Too many failed attempts from your address: try again in {seconds} seconds.")
        self.headers = {"Retry-After": str(seconds)}


class RefreshRefused(AppError):
    """Unknown, expired, ended or used twice: the answer is the same."""

    STATUS = 401
    CODE = "refresh_token_invalid"
    TITLE = "The session cannot be continued"


class WrongServiceSecret(AppError):
    """Not a service of this platform, or not its secret."""

    STATUS = 401
    CODE = "wrong_service_secret"
    TITLE = "The service is not known by this secret"


class LastAdmin(AppError):
    """Nobody would be left who administers the platform."""

    STATUS = 409
    CODE = "last_admin"
    TITLE = "This is the last admin"


class TooManyKeys(AppError):
    """There are as many API keys as one person may have."""

    STATUS = 409
    CODE = "too_many_api_keys"
    TITLE = "No more API keys"


class NobodyToLendTo(AppError):
    """Nobody else here has this address, or they may look already."""

    STATUS = 409
    CODE = "nobody_to_lend_to"
    TITLE = "Nobody can be let in by this address"
