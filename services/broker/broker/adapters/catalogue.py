"""Every broker we can speak to, by its capabilities alone: readable without connecting to anything."""

from collections.abc import Mapping
from typing import Final

from broker.adapters.alpaca import capabilities as alpaca
from broker.adapters.kis import capabilities as kis
from broker.adapters.kiwoom import capabilities as kiwoom
from broker.adapters.ls import capabilities as ls
from broker.adapters.simulator.capabilities import SIMULATOR
from broker.brokers import Line
from broker.domain.capabilities import Capabilities
from broker.domain.order import Environment

CATALOGUE: Final[tuple[Capabilities, ...]] = (
    *(SIMULATOR, kis.PAPER, kis.PAPER_US, ls.PAPER, kiwoom.PAPER, alpaca.PAPER),
    *(kis.REAL, kis.REAL_US, kiwoom.REAL, alpaca.REAL),
)


def open_here(lines: Mapping[tuple[str, Environment], Line]) -> dict[tuple[str, Environment], Capabilities]:
    """The simulator, and what this process has a line to, as far as its list of brokers lets orders go.

    Raises:
        ValueError: when a line is to send orders to a venue that its connector has no word for.
    """
    found: dict[tuple[str, Environment], Capabilities] = {}
    for able in CATALOGUE:
        name, line = (able.broker, able.environment), lines.get((able.broker, able.environment))
        if able is SIMULATOR:
            found[name] = able
        elif line is not None:
            if beyond := (line.venues or frozenset()) - able.venues:
                raise ValueError(
                    f"{able.broker}: {able.environment}: no orders go to {', '.join(sorted(beyond))} there"
                )
            found[name] = able.only_at(line.venues)
    return found
