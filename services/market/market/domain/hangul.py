"""Initial consonants (초성): how Koreans type a name they do not want to spell out, ㅅㅅㅈㅈ for 삼성전자."""

from typing import Final

_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _LAST = ord("가"), ord("힣")
_SYLLABLES_EACH: Final = 588


def initials(name: str) -> str:
    """The initial of every Hangul syllable; other characters in lower case, spaces left out."""
    return "".join(_initial(character) for character in name if not character.isspace())


def is_initials(text: str) -> bool:
    """Whether a text has a lone consonant in it, so that it can only be meant as initials."""
    return any(character in _INITIALS for character in text)


def _initial(character: str) -> str:
    place = ord(character)
    return _INITIALS[(place - _FIRST) // _SYLLABLES_EACH] if _FIRST <= place <= _LAST else character.lower()
