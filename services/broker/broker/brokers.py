"""The list of brokers: hosts and limits by environment, from a YAML file that is checked whole at start."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator
from quant.markets.sessions import Venue

from broker.domain.order import Environment

BUILT_IN: Final = Path(__file__).with_name("brokers.yaml")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
BrokerName = Literal["kis", "kis_us", "ls", "kiwoom", "alpaca"]


def _is_ours(host: str) -> bool:
    """Whether a host is this machine or in the containers' own network, where names have no domain."""
    return host in LOOPBACK or re.fullmatch(r"[a-z][a-z0-9-]*", host) is not None


class Line(BaseModel):
    """One environment of a broker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rest: str
    stream: str = ""
    """The address of its notices; empty where they are not followed."""
    stream_is_plain: bool = False
    """The broker offers no encrypted stream: what it tells there (KIS encrypts it itself) is no more than a hint."""
    data: str = ""
    """Where its market data are, of a broker that has them on a host of their own; nothing is ordered there."""
    data_stream: str = ""
    """The address of its market, where that is not `stream`."""
    calls_per_second: Annotated[int, Field(ge=1, le=100)]
    venues: frozenset[Venue] | None = None
    """Where orders may go through it; every venue whose rules the broker publishes, if nothing is said."""

    @property
    def market_stream(self) -> str:
        """The address of its market's trades and books; empty where there is none."""
        return self.data_stream or self.stream

    @property
    def places(self) -> set[str]:
        """The hosts and ports where orders go, or what became of them comes from."""
        return {urlsplit(text).netloc for text in (self.rest, self.stream) if text}

    @model_validator(mode="after")
    def _is_private(self) -> "Line":
        stream_scheme = "ws" if self.stream_is_plain else "wss"
        called, followed = (self.rest, self.data), (self.stream, self.data_stream)
        for text, scheme in [*((text, "https") for text in called), *((text, stream_scheme) for text in followed)]:
            address = urlsplit(text)
            if text and address.scheme != scheme and not _is_ours(address.hostname or ""):
                raise ValueError(f"{text}: a broker is spoken to over {scheme}")
            if text and (not address.hostname or address.username or address.query):
                raise ValueError(f"{text}: give scheme, host and port")
        if not self.rest:
            raise ValueError("rest: give scheme, host and port")
        return self


class Broker(BaseModel):
    """A broker's two environments, apart by host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paper: Line
    real: Line | None = None

    @model_validator(mode="after")
    def _are_apart(self) -> "Broker":
        if self.real is None:
            return self
        if self.paper.places & self.real.places:
            raise ValueError("paper and real share a host: an order on paper could be a real one")
        return self


class Brokers(RootModel[dict[BrokerName, Broker]]):
    """All of them."""


def read_brokers(file: Path, *, live_allowed: bool) -> dict[tuple[str, Environment], Line]:
    """The lines this process may open; the live ones are left out unless the operator has said so.

    Raises:
        ValueError: when anything in the file is wrong, naming it.
    """
    try:
        brokers = Brokers.model_validate(yaml.safe_load(file.read_text())).root
    except (OSError, yaml.YAMLError) as unreadable:
        raise ValueError(f"{file}: {unreadable}") from unreadable
    live = _live_places()
    if mistaken := sorted(name for name, broker in brokers.items() if broker.paper.places & live):
        raise ValueError(f"{file}: paper at {', '.join(mistaken)} names a host where real money is traded")
    lines: dict[tuple[str, Environment], Line] = {(name, "paper"): broker.paper for name, broker in brokers.items()}
    if live_allowed:
        lines |= {(name, "real"): broker.real for name, broker in brokers.items() if broker.real is not None}
    return lines


def _live_places() -> set[str]:
    """Hosts and ports of real money, by the built-in list: no other list may call them paper."""
    built_in = Brokers.model_validate(yaml.safe_load(BUILT_IN.read_text())).root
    return {place for broker in built_in.values() if broker.real is not None for place in broker.real.places}
