"""Every failure auth expects: status, code, and what to do."""

import math
from collections.abc import Sequence
from datetime import timedelta

from kit.errors import AppError, FieldError

from auth.domain.second_factor import Way


class EmailTaken(AppError):
    """An account with this address exists. Says so only where no mail can be sent: see the README."""

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
    """No such account, not its password, or not verified yet: nobody learns which."""

    STATUS = 401
    CODE = "wrong_credentials"
    TITLE = "E-mail address or password is wrong"

    def __init__(self) -> None:
        super().__init__(
            "Check the address and the password, and try again. A new account may first have to be confirmed by the"
            " link in the mail we sent."
        )


class OtpRequired(AppError):
    """The password is right; a second factor is due. `ways` names what may be sent."""

    STATUS = 401
    CODE = "otp_required"
    TITLE = "A second factor is needed"

    def __init__(self, ways: Sequence[Way]) -> None:
        said = {
            "otp": "the code of your authenticator app, or a recovery code, as `otp`",
            "passkey": "a passkey's signature of POST /api/v1/auth/passkeys/login/options as `passkey`",
        }
        super().__init__(f"Send {' or '.join(said[way] for way in ways)}.", ways=list(ways))


class OtpWrong(AppError):
    """No code of this moment, one used before, or no recovery code."""

    STATUS = 401
    CODE = "otp_wrong"
    TITLE = "The code is wrong, or has been used"

    def __init__(self) -> None:
        super().__init__("Wait for the next code of your authenticator app and send that, or an unused recovery code.")


class SecondFactorActive(AppError):
    """One second factor at a time."""

    STATUS = 409
    CODE = "second_factor_active"
    TITLE = "There is a second factor already"

    def __init__(self) -> None:
        super().__init__("Disable the second factor (POST /api/v1/auth/2fa/disable) before you enroll another.")


class SecondFactorMissing(AppError):
    """What was asked needs a second factor."""

    STATUS = 409
    CODE = "second_factor_missing"
    TITLE = "There is no second factor"


class WayInMissing(AppError):
    """Without its second factor the password is worth nothing, and no mail can bring another."""

    STATUS = 409
    CODE = "way_in_missing"
    TITLE = "There would be no way in"

    def __init__(self) -> None:
        super().__init__("The password is too short to stand alone. Set AUTH_SMTP_HOST first: its owner needs a mail.")


class PasswordTooShortAlone(AppError):
    """The password was chosen under the rule for two factors."""

    STATUS = 409
    CODE = "password_too_short_alone"
    TITLE = "The password is too short to stand alone"

    def __init__(self) -> None:
        super().__init__(
            "Change your password to one of 15 or more characters (POST /api/v1/auth/password/change), then disable"
            " the second factor."
        )


class SessionOver(AppError):
    """The access token is good for a few minutes more, but its session has ended."""

    STATUS = 401
    CODE = "session_over"
    TITLE = "The session has ended"

    def __init__(self) -> None:
        super().__init__("Log in again.")


class MailTokenRefused(AppError):
    """Unknown, used, or too old: the answer is the same."""

    STATUS = 422
    CODE = "mail_token_invalid"
    TITLE = "The link cannot be used (any more)"

    def __init__(self) -> None:
        super().__init__("Ask for a new mail: each link works once, and only for a while.")


class TooManyAttempts(AppError):
    """Somebody keeps guessing: at this account, or from this place."""

    STATUS = 429
    CODE = "too_many_attempts"
    TITLE = "Too many failed attempts"

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__(f"Too many failed attempts: try again in {seconds} seconds.")
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


class PasskeyUnusable(AppError):
    """The device's answer is not true, too late, or of a passkey that is registered already."""

    STATUS = 422
    CODE = "passkey_unusable"
    TITLE = "The passkey cannot be registered"

    def __init__(self) -> None:
        super().__init__("Begin again: POST /api/v1/auth/passkeys/register/options gives a new challenge.")


class PasskeyRefused(AppError):
    """Not a true answer to a challenge of ours, or not of a passkey we know: nobody learns which."""

    STATUS = 401
    CODE = "passkey_refused"
    TITLE = "The passkey was not accepted"

    def __init__(self) -> None:
        super().__init__("Begin again with new options, or log in another way.")


class TooManyPasskeys(AppError):
    """A bound, far beyond what one person needs."""

    STATUS = 409
    CODE = "too_many_passkeys"
    TITLE = "There are 20 passkeys already"

    def __init__(self) -> None:
        super().__init__("Delete one you do not use any more.")


class TooFewPasskeys(AppError):
    """A password that is worth nothing without a passkey needs one that is not lost."""

    STATUS = 409
    CODE = "too_few_passkeys"
    TITLE = "There are not enough passkeys"

    def __init__(self) -> None:
        super().__init__("Register two passkeys before your password wants one beside it: one may be lost.")


class PasskeyWanted(AppError):
    """Your password wants a passkey beside it, and this is the last."""

    STATUS = 409
    CODE = "passkey_wanted"
    TITLE = "This passkey is your second factor"

    def __init__(self) -> None:
        super().__init__("Want none beside your password first (PUT /api/v1/auth/2fa/passkeys), then delete it.")


class LastWayIn(AppError):
    """Nobody may lock themselves out by mistake."""

    STATUS = 409
    CODE = "last_way_in"
    TITLE = "Nothing else would let you in"

    def __init__(self) -> None:
        super().__init__("Set a password, register a passkey or link another provider first.")


class LastAdmin(AppError):
    """Nobody would be left who administers the platform."""

    STATUS = 409
    CODE = "last_admin"
    TITLE = "This is the last admin"


class SecondAdminNeeded(AppError):
    """Who proposed it cannot be the one who agrees."""

    STATUS = 409
    CODE = "second_admin_needed"
    TITLE = "Another admin has to agree"


class ExportNotReady(AppError):
    """An archive that not every service has put its part into."""

    STATUS = 409
    CODE = "export_not_ready"
    TITLE = "Not ready yet"


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


class OauthRefused(AppError):
    """Not begun in this browser, used, too old, denied at the provider, or not to be believed: nobody learns which."""

    STATUS = 400
    CODE = "oauth_refused"
    TITLE = "The log-in at the other provider cannot be used"

    def __init__(self) -> None:
        super().__init__("Begin again, in the browser you want to be logged in with.")


class LinkNeeded(AppError):
    """An address alone does not prove whose account it is."""

    STATUS = 409
    CODE = "link_needed"
    TITLE = "The provider's word is not enough to log in by"

    def __init__(self) -> None:
        super().__init__(
            "Register or log in with your e-mail address and password, then link the provider in the settings."
        )


class IdentityTaken(AppError):
    """One identity is one account's, and one account has one identity of each provider."""

    STATUS = 409
    CODE = "identity_taken"
    TITLE = "The identity cannot be linked"

    def __init__(self) -> None:
        super().__init__("Unlink it from the other account, or unlink this account's other identity, first.")
