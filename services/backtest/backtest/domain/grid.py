"""The grid of a sweep: parameters, their values, and the bounds that keep its cost known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from quant.backtest import number_of
from quant.rules import RuleError, compile_rule, fill_template, template_names

from backtest.domain.strategy import Mistake, Rules, mistakes_in

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
    texts = _texts_of(templates)
    names = frozenset[str]().union(*(template_names(text) for text in texts.values()))
    if names != set(grid):
        said = f"the rules name {_listed(names)}, the parameters are {_listed(grid)}: they must be the same"
        return [Mistake("parameters", said)]
    if any(len(set(values)) < len(values) for values in grid.values()):
        return [Mistake("parameters", "each value of a parameter may be listed once")]
    found = [_first_mistake(field, templates, grid) for field in texts]
    first = {name: values[0] for name, values in grid.items()}
    return [mistake for mistake in found if mistake] or mistakes_in(filled_rules(templates, first))


def filled_rules(templates: Rules, parameters: Mapping[str, float]) -> Rules:
    """Rules with every parameter in their rules, and in the ranking of a portfolio, replaced by its number."""
    entry, leave = (fill_template(text, parameters) for text in (templates.entry, templates.exit))
    portfolio = templates.portfolio
    if portfolio is not None:
        ranking = tuple(replace(one, factor=fill_template(one.factor, parameters)) for one in portfolio.ranking)
        portfolio = replace(portfolio, ranking=ranking)
    return replace(templates, entry=entry, exit=leave, portfolio=portfolio)


def _texts_of(templates: Rules) -> dict[str, str]:
    """Everything that may name a parameter, by field."""
    ranking = () if templates.portfolio is None else templates.portfolio.ranking
    ranked = {f"portfolio.ranking.{place}.factor": one.factor for place, one in enumerate(ranking)}
    return {"entry": templates.entry, "exit": templates.exit, **ranked}


def _first_mistake(field: str, templates: Rules, grid: Grid) -> Mistake | None:
    template = _texts_of(templates)[field]
    read = compile_rule if field in {"entry", "exit"} else number_of
    own = {name: grid[name] for name in template_names(template)}
    for values in _samples(own):
        filled = fill_template(template, values)
        try:
            read(filled, templates.fields)
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
