"""Initial consonants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market.domain.hangul import initials, is_initials


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("삼성전자", "ㅅㅅㅈㅈ"),
        ("SK하이닉스", "skㅎㅇㄴㅅ"),
        ("빨간 토마토", "ㅃㄱㅌㅁㅌ"),
        ("가", "ㄱ"),
        ("힣", "ㅎ"),
        ("Apple Inc.", "appleinc."),
        ("", ""),
    ],
)
def test_every_syllable_gives_its_initial(name: str, expected: str) -> None:
    assert initials(name) == expected


@given(st.text(alphabet=[chr(code) for code in range(ord("가"), ord("힣") + 1)], min_size=1))
def test_the_initials_of_a_korean_name_are_initials_and_the_name_is_not(name: str) -> None:
    assert is_initials(initials(name))
    assert not is_initials(name)
