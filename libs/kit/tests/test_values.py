"""Ids and money: ordered, exact, plain."""

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.ids import new_id
from kit.json import dumps, loads
from kit.money import decimal_from, decimal_text


def test_ids_are_version_7_and_each_is_larger_than_the_one_before() -> None:
    ids = [new_id() for _ in range(10_000)]
    assert {(each.version, each.variant) for each in ids} == {(7, "specified in RFC 4122")}
    assert ids == sorted(set(ids))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**15), max_value=10**15))
def test_a_decimal_written_and_read_is_the_same_number(number: Decimal) -> None:
    text = decimal_text(number)
    assert decimal_from(text) == number
    assert "E" not in text.upper()
    assert not text.endswith(".")


@pytest.mark.parametrize(
    ("number", "text"), [("70100.00", "70100"), ("-0.0", "0"), ("1E+3", "1000"), ("0.10", "0.1"), ("100", "100")]
)
def test_a_decimal_is_written_plainly(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


@pytest.mark.parametrize("text", ["1e1", "1_0", " 10", "１０", "+5", ".5", "5.", "0x10", "NaN", "Infinity", ""])
def test_a_number_that_is_not_written_plainly_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="decimal number in a string"):
        decimal_from(text)


def test_json_writes_every_kind_of_uuid() -> None:
    class DriversOwn(UUID):
        pass

    assert loads(dumps(DriversOwn(int=1))) == str(UUID(int=1))


def test_json_writes_decimals_as_strings_and_refuses_what_it_does_not_know() -> None:
    assert loads(dumps({"price": Decimal("70100.10"), "set": {2, 1}})) == {"price": "70100.1", "set": [1, 2]}
    with pytest.raises(TypeError):
        dumps(object())
