"""Whatever a validator says of a field is told in Korean with what to do: pydantic's by kind, ours by sentence."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic_core.core_schema import ErrorType

from tools.native.layout import ROOT
from tools.tests.test_said import said_by, without_names

WORDS = ROOT / "web" / "src" / "words"
SHARED = (
    ROOT / "libs" / "kit" / "kit" / "money.py",
    ROOT / "libs" / "quant" / "quant" / "markets" / "symbols.py",
)
"""Where validators of several services are."""
NOT_OF_JSON = {
    *("no_such_attribute", "get_attribute_error", "frozen_field", "frozen_instance", "recursion_loop"),
    *("recursion_depth_exceeded", "needs_python_object", "default_factory_not_called", "missing_sentinel_error"),
    *("is_instance_of", "is_subclass_of", "callable_type", "ellipsis_error", "json_type", "iterable_type"),
    *("iteration_error", "set_item_not_hashable"),
}
"""What only an object of Python can be: requests hold none."""
NOT_OF_OURS = {
    *("dataclass_type", "dataclass_exact_type", "named_tuple_type", "mapping_type", "frozen_dict_type"),
    *("ordered_dict_type", "counter_type", "deque_type"),
    *("fraction_type", "fraction_parsing", "complex_type", "complex_str_parsing"),
    *("arguments_type", "missing_argument", "unexpected_keyword_argument", "missing_keyword_only_argument"),
    *("unexpected_positional_argument", "missing_positional_only_argument", "multiple_argument_values"),
}
"""Kinds of values and calls that no request of ours has: they have no form in JSON Schema."""


def kinds_in_words() -> set[str]:
    """The kinds of mistakes that the client has a sentence for."""
    text = "".join((WORDS / name).read_text() for name in ("problems.ts", "fields.ts"))
    return set(re.findall(r'"field\.(\w+)":', text))


def retold() -> set[str]:
    """The English halves of the validators' sentences, their gaps empty."""
    halves = re.findall(r'\["(?:[^"\\]|\\.)*", ("(?:[^"\\]|\\.)*")\]', (WORDS / "refused.ts").read_text())
    return {without_names(json.loads(half)) for half in halves}


def refusals(path: Path) -> Iterator[str]:
    """What a file's `raise ValueError` says, its gaps empty."""
    tree = ast.parse(path.read_text())
    constants = {
        name.id: said_by(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        if isinstance(node.exc.func, ast.Name) and node.exc.func.id == "ValueError":
            said = node.exc.args[0]
            yield constants[said.id] if isinstance(said, ast.Name) else said_by(said)


def test_every_kind_of_mistake_that_a_request_can_make_has_words() -> None:
    all_kinds = set(get_args(ErrorType))
    assert len(all_kinds) > 90, "they are found"
    assert all_kinds - NOT_OF_JSON - NOT_OF_OURS - kinds_in_words() == set()


def test_no_kind_is_set_aside_that_has_words_or_is_gone() -> None:
    assert (NOT_OF_JSON | NOT_OF_OURS) & kinds_in_words() == set()
    assert (NOT_OF_JSON | NOT_OF_OURS) - set(get_args(ErrorType)) == set()


def test_every_sentence_of_a_validator_is_retold() -> None:
    files = [*(ROOT / "services").glob("*/*/api/*.py"), *SHARED]
    told = {text for path in files for text in refusals(path)}
    assert len(told) > 40, "they are found"
    assert told - retold() == set()


def test_no_sentence_is_retold_that_no_validator_says() -> None:
    told = {text for path in [*(ROOT / "services").glob("*/*/api/*.py"), *SHARED] for text in refusals(path)}
    assert retold() - told == set()
