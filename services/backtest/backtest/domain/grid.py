"""The grid of a sweep: parameters, their values, and the bounds that keep its cost known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from quant.rules import RuleError, compile_rule, fill_template, template_names

from backtest.domain.strategy import Mistake, Rules

PARAMETERS_MAX = 6
VALUES_MAX = 1_000
Grid = Mapping[str, Sequence[float]]


def combinations_in(grid: Grid) -> int:
    """How many combinations a grid has."""
    return prod(len(values) for values in grid.values())


def mistakes_in_sweep(templates: Rules, grid: Grid) -> list[Mistake]:
    """What keeps a sweep from being computed.

    Each value is tried with the first values of the other parameters: what an indicator allows for one parameter never
    depends on another, so this finds what trying every combination would.
    """
    names = template_names(templates.entry) | template_names(templates.exit)
    if names != set(grid):
        said = f"the rules name {_listed(names)}, the parameters are {_listed(grid)}: they must be the same"
        return [Mistake("parameters", said)]
    if any(len(set(values)) < len(values) for values in grid.values()):
        return [Mistake("parameters", "each value of a parameter may be listed once")]
    attempts = (("entry", templates.entry), ("exit", templates.exit))
    return [found for field, template in attempts if (found := _first_mistake(field, template, grid))]


def _first_mistake(field: str, template: str, grid: Grid) -> Mistake | None:
    own = {name: grid[name] for name in template_names(template)}
    for values in _samples(own):
        filled = fill_template(template, values)
        try:
            compile_rule(filled)
        except RuleError as error:
            return Mistake(field, f"{error} (in `{filled}`)" if own else str(error))
    return None


def _samples(grid: Grid) -> Iterator[dict[str, float]]:
    first = {name: values[0] for name, values in grid.items()}
    yield first
    for name, values in grid.items():
        yield from (first | {name: value} for value in values[1:])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
