"""The document of requirements says which tests prove what, and a requirement without a test is a finding."""

from collections import Counter

from tools import requirements

STATEMENTS = {"R-1": "It holds.", "R-2": "It holds as well."}


def test_marks_are_found_wherever_they_stand() -> None:
    source = """
pytestmark = [pytest.mark.stack, pytest.mark.requirement("R-1")]
@pytest.mark.requirement("R-1", "R-2")
class TestThings:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.requirement("R-3"))])
    def test_one(self): ...
"""
    assert Counter(requirements.marks_of(source)) == {"R-1": 2, "R-2": 1, "R-3": 1}


def test_a_requirement_without_a_test_is_named_with_what_it_asks() -> None:
    found = {"R-1": Counter({"tests/test_it.py": 1})}
    assert requirements.problems(STATEMENTS, found) == ["no test names R-2: It holds as well."]


def test_a_test_that_names_no_requirement_there_is_is_named() -> None:
    found = {number: Counter({"tests/test_it.py": 1}) for number in ("R-1", "R-2", "R-99")}
    assert requirements.problems(STATEMENTS, found) == ["R-99 is named by tests/test_it.py and is no requirement"]


def test_the_document_is_what_the_tests_say() -> None:
    assert requirements.main(["--check"]) == 0


def test_each_requirement_is_shown_with_its_proofs() -> None:
    shown = requirements.render(STATEMENTS, {"R-1": Counter({"tests/test_it.py": 3}), "R-2": Counter({"a.py": 1})})
    assert "## R-1\n\nIt holds.\n\n- [`tests/test_it.py`](../tests/test_it.py) 3\n" in shown
