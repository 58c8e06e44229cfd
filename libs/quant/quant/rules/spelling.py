"""What a rule may be spelt with, looked at before Python's parser sees it."""

import re
from typing import Final

from quant.rules.rule import RuleError

OPEN_MAX: Final = 50
"""Parentheses, signs and words that may stand open at once: Python's parser must never meet its own limit."""

# Everything a rule may be spelt with. Python would also accept strings, brackets, and letters that merely look Latin.
_TOKEN = re.compile(
    r"\s+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[A-Za-z_]\w*|[<>=!]=|\*\*|//|[-+*/<>(),.]", re.ASCII
)
_HINTS: Final = {
    "=": ("use == to compare", "비교에는 == 를 쓰세요"),
    "&": ("use and", "and 를 쓰세요"),
    "|": ("use or", "or 를 쓰세요"),
    "!": ("use not", "not 을 쓰세요"),
    "^": ("powers are not part of the language", "거듭제곱은 쓸 수 없습니다"),
    "%": ("write percentages as fractions: 10 % is 0.1", "퍼센트는 소수로 쓰세요: 10 %는 0.1"),
    "[": (
        "there are no lists or positions: earlier bars are reached through indicators",
        "목록이나 위치는 없습니다: 이전 봉은 지표로 참조하세요",
    ),
    "{": (
        "a name in braces belongs to a template: fill it in first",
        "중괄호 이름은 템플릿용입니다: 먼저 값을 채우세요",
    ),
}
_ANYTHING: Final = (
    "expected fields, numbers, indicators, comparisons, and / or / not",
    "필드, 숫자, 지표, 비교, and / or / not 만 쓸 수 있습니다",
)


def _check_nesting(tokens: list[tuple[str, int]]) -> None:
    """Refuse what is open too deeply, before Python's parser would have to.

    A sign or `not` waits for what follows it; a run of them nests as parentheses do.
    """
    opened = run = 0
    for word, position in tokens:
        opened += (word == "(") - (word == ")")
        run = run + 1 if word in {"-", "+", "not"} else 0
        if opened + run > OPEN_MAX:
            raise RuleError("the rule is nested too deeply", "규칙이 너무 깊게 중첩되었습니다", position + 1)


def check_spelling(text: str) -> None:
    """Refuse characters and nesting that no rule has; RuleError names the column."""
    tokens: list[tuple[str, int]] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            character = text[position]
            hint, hint_ko = _HINTS.get(character, _ANYTHING)
            digit = character.isdigit()
            what = "not a number" if digit else f"unexpected {character!r}"
            what_ko = "숫자가 아닙니다" if digit else f"쓸 수 없는 문자 {character!r}"
            raise RuleError(f"{what}: {hint}", f"{what_ko}: {hint_ko}", position + 1)
        if not token.group().isspace():
            tokens.append((token.group(), position))
        position = token.end()
    _check_nesting(tokens)
