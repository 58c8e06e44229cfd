"""What a password must be: long, and more than words that everybody, or everybody who knows you, tries first."""

import re
import unicodedata
from collections.abc import Container, Iterator

PASSWORD_LENGTH_MIN = 15
"""For a password that stands alone."""
PASSWORD_LENGTH_MIN_WITH_SECOND_FACTOR = 8
PASSWORD_LENGTH_MAX = 128
OWN_LENGTH_MIN = 8
"""Characters that must be left when common words, names and the e-mail address are taken out."""
OWN_LENGTH_MIN_WITH_SECOND_FACTOR = 6
DISTINCT_MIN = 5
CONTEXT_LENGTH_MIN = 3
"""Shorter parts of a name are found in too many words to say anything."""

COMMON = (
    *(
        "password",
        "passw0rd",
        "p@ssword",
        "p@ssw0rd",
        "passwort",
        "letmein",
        "welcome",
        "changeme",
        "default",
        "secret",
    ),
    *(
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwerty",
        "asdfgh",
        "zxcvbn",
        "1q2w3e4r5t",
        "1q2w3e4r",
        "1qaz2wsx",
        "qazwsx",
    ),
    *("1234567890", "0123456789", "123456789", "12345678", "1234567", "123456", "12345", "1234", "987654321", "654321"),
    *("abcdefghijklmnopqrstuvwxyz", "abcdefgh", "abcdef", "abc123", "iloveyou", "admin", "administrator", "master"),
    *("dragon", "monkey", "sunshine", "princess", "football", "baseball", "superman", "batman", "trustno1", "starwars"),
    *("비밀번호", "비번", "사랑해", "대한민국", "tkfkdgo", "qlalfqjsgh", "dkssudgktpdy"),
    *("exodus", "stock", "trading", "trader", "invest", "samsung", "kospi", "kosdaq", "엑소더스", "주식", "투자"),
)
"""Short on purpose: hardly a password that is stolen has 15 characters, and those are built of these."""

DISGUISES = str.maketrans("@431!05$7", "aaeiiosst")
"""Letters that look like digits and signs."""
DECORATION = "0123456789!?.,-_+*#$%&@ "
"""What is put before or behind a word that has to have a digit and a sign."""
LONGEST_FIRST = tuple(sorted(COMMON, key=len, reverse=True))


def normalise(password: str) -> str:
    """Return the form that is hashed: NFKC, so that every keyboard's way to type it is the same password."""
    return unicodedata.normalize("NFKC", password)


def weakness_of(
    password: str, email: str, name: str, stolen: Container[str], *, second_factor: bool = False
) -> str | None:
    """Say what is wrong with a normalised password, or None.

    Args:
        password: as `normalise` returns it.
        email: the account's normalised address; its parts are words a guesser knows.
        name: the person's name; likewise.
        stolen: passwords in lower case that guessers have, because they were stolen elsewhere.
        second_factor: whether a code is asked for besides: then a shorter one will do.
    """
    shortest = PASSWORD_LENGTH_MIN_WITH_SECOND_FACTOR if second_factor else PASSWORD_LENGTH_MIN
    if len(password) < shortest:
        return f"needs at least {shortest} characters; a few words in a row are easy to remember"
    if len(password) > PASSWORD_LENGTH_MAX:
        return f"may have at most {PASSWORD_LENGTH_MAX} characters"
    if len(set(password)) < DISTINCT_MIN:
        return f"needs at least {DISTINCT_MIN} different characters"
    if any(form in stolen for form in _forms_of(password.casefold())):
        return "was stolen elsewhere and is on the lists that guessers use, as it is or almost; choose another"
    rest = password.casefold()
    for word in (*_context(email, name), *LONGEST_FIRST):
        rest = rest.replace(word, "")
    if len(rest) < (OWN_LENGTH_MIN_WITH_SECOND_FACTOR if second_factor else OWN_LENGTH_MIN):
        return "consists of common words, your name or your e-mail address; add something nobody would guess"
    return None


def is_short(password: str) -> bool:
    """Tell whether a normalised password may not stand alone."""
    return len(password) < PASSWORD_LENGTH_MIN


def _forms_of(password: str) -> Iterator[str]:
    """Yield what is left of a password in lower case when the usual disguises are taken off."""
    for bare in (password, password.rstrip(DECORATION), password.strip(DECORATION)):
        for form in (bare, bare.translate(DISGUISES)):
            yield form
            yield form[::-1]
            half = form[: len(form) // 2]
            if half * 2 == form:
                yield half


def _context(email: str, name: str) -> list[str]:
    text = unicodedata.normalize("NFKC", f"{email} {name}").casefold()
    words = {word for word in re.split(r"[\W_]+", text) if len(word) >= CONTEXT_LENGTH_MIN}
    return sorted(words, key=len, reverse=True)
