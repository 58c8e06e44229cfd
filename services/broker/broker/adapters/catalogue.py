"""Every broker we can speak to, by its capabilities alone: readable without connecting to anything."""

from typing import Final

from broker.adapters.alpaca.capabilities import PAPER as ALPACA
from broker.adapters.kis.capabilities import PAPER as KIS
from broker.adapters.kis.capabilities import PAPER_US as KIS_US
from broker.adapters.kiwoom.capabilities import PAPER as KIWOOM
from broker.adapters.ls.capabilities import PAPER as LS
from broker.adapters.simulator.capabilities import SIMULATOR
from broker.domain.capabilities import Capabilities

CATALOGUE: Final[tuple[Capabilities, ...]] = (SIMULATOR, KIS, KIS_US, LS, KIWOOM, ALPACA)
