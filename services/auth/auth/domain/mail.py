"""What auth writes to people, in Korean and English."""

from datetime import timedelta
from typing import Literal, NamedTuple

from auth.domain.user import Language

MailKind = Literal["verify_email", "already_registered", "reset_password", "session_reused", "second_factor_reset"]
Purpose = Literal["verify_email", "reset_password"]

TOKEN_TTL: dict[Purpose, timedelta] = {"verify_email": timedelta(hours=24), "reset_password": timedelta(minutes=10)}
"""Counted from the moment of sending: that is when the token is made."""
PENDING_TTL = timedelta(days=7)
"""How long an account waits for its address to be verified before it is forgotten."""
PAUSE = timedelta(minutes=5)
"""Between two mails of one kind to one person, however often they are asked for."""
TRIES_MAX = 8
BACK_OFF_FIRST = timedelta(seconds=15)
LEASE = timedelta(minutes=2)
"""How long one try may take before somebody else makes the next."""
KEPT_FOR = timedelta(days=30)


class Text(NamedTuple):
    """A mail's subject and body; the body has room for a name and, where there is one, a link."""

    subject: str
    body: str


TEXTS: dict[tuple[MailKind, Language], Text] = {
    ("verify_email", "ko"): Text(
        "[Exodus] 이메일 주소를 확인해 주세요",
        "{name} 님, 안녕하세요.\n\n아래 주소를 열면 이메일 확인이 끝나고 로그인할 수 있습니다 (24시간 동안 유효).\n\n"
        "{link}\n\n가입한 적이 없다면 열지 말고 이 메일을 무시해 주세요.\n",
    ),
    ("verify_email", "en"): Text(
        "[Exodus] Please confirm your e-mail address",
        "Hello {name},\n\nopen this address to confirm your e-mail; then you can log in (good for 24 hours):\n\n"
        "{link}\n\nIf you did not register, do not open it; just ignore this mail.\n",
    ),
    ("already_registered", "ko"): Text(
        "[Exodus] 이미 계정이 있습니다",
        "{name} 님, 안녕하세요.\n\n누군가 이 이메일 주소로 가입하려 했지만 이미 계정이 있습니다. 본인이라면 "
        "로그인하거나 비밀번호를 재설정하세요.\n\n{link}\n\n본인이 아니라면 무시해도 됩니다. 바뀐 것은 없습니다.\n",
    ),
    ("already_registered", "en"): Text(
        "[Exodus] You have an account already",
        "Hello {name},\n\nsomebody tried to register with this e-mail address, which has an account already. If it was "
        "you, log in or reset your password:\n\n{link}\n\nIf not, ignore this mail: nothing was changed.\n",
    ),
    ("reset_password", "ko"): Text(
        "[Exodus] 비밀번호 재설정",
        "{name} 님, 안녕하세요.\n\n아래 주소에서 새 비밀번호를 정하세요 (10분 동안 한 번만 유효).\n\n{link}\n\n"
        "요청한 적이 없다면 이 메일을 무시해 주세요. 비밀번호는 그대로입니다.\n",
    ),
    ("reset_password", "en"): Text(
        "[Exodus] Reset your password",
        "Hello {name},\n\nchoose a new password here (good once, for 10 minutes):\n\n{link}\n\n"
        "If you did not ask for this, ignore this mail: your password is what it was.\n",
    ),
    ("session_reused", "ko"): Text(
        "[Exodus] 로그인 상태가 종료되었습니다",
        "{name} 님, 안녕하세요.\n\n이미 사용된 로그인 토큰이 다시 사용되어, 누군가 복사했을 수 있으므로 해당 로그인을 "
        "종료했습니다. 다시 로그인한 뒤 비밀번호를 바꾸고 다른 로그인도 확인해 주세요.\n\n{link}\n",
    ),
    ("session_reused", "en"): Text(
        "[Exodus] A log-in of yours was ended",
        "Hello {name},\n\na token of one of your log-ins was used a second time. Somebody may have copied it, so that "
        "log-in was ended. Log in again, change your password, and look through your other log-ins:\n\n{link}\n",
    ),
    ("second_factor_reset", "ko"): Text(
        "[Exodus] 2단계 인증이 해제되었습니다",
        "{name} 님, 안녕하세요.\n\n운영자가 회원님 계정의 2단계 인증을 해제하고 모든 로그인을 종료했습니다. "
        "다시 로그인한 뒤 2단계 인증을 새로 설정해 주세요. 로그인할 수 없으면 비밀번호를 재설정하세요.\n\n{link}\n\n"
        "요청한 적이 없다면 바로 운영자에게 알려 주세요.\n",
    ),
    ("second_factor_reset", "en"): Text(
        "[Exodus] Your second factor was removed",
        "Hello {name},\n\nthe operator removed the second factor of your account and ended every log-in. Log in again "
        "and set up a new one; if you cannot, reset your password:\n\n{link}\n\n"
        "If you did not ask for this, tell the operator at once.\n",
    ),
}
PURPOSES: dict[MailKind, Purpose] = {"verify_email": "verify_email", "reset_password": "reset_password"}
"""The kinds whose mail carries a one-time token."""
PAGES: dict[MailKind, str] = {
    "verify_email": "/verify-email",
    "already_registered": "/login",
    "reset_password": "/reset-password",
    "session_reused": "/settings/sessions",
    "second_factor_reset": "/login",
}


def text_of(kind: MailKind, language: Language, *, name: str, public_url: str, token: str | None) -> Text:
    """Write a mail. The token stands behind `#`, which browsers keep to themselves: it reaches no log on its way."""
    link = public_url.rstrip("/") + PAGES[kind] + ("" if token is None else f"#token={token}")
    subject, body = TEXTS[kind, language]
    return Text(subject, body.format(name=name, link=link))


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after a try that failed: 15 seconds, doubling."""
    return BACK_OFF_FIRST * (1 << min(tries, TRIES_MAX))
