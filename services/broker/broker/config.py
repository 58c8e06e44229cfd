"""Settings of the broker service."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from kit.settings import ServiceSettings, StrongSecret, settings_config
from pydantic import AfterValidator, AwareDatetime, Field, SecretStr, model_validator

from broker.adapters.catalogue import open_here
from broker.brokers import BUILT_IN, read_brokers
from broker.domain.order import Environment
from broker.vault import KEY_BYTES

FEED_SYMBOLS_MAX = 100


def _vault_key(value: SecretStr) -> SecretStr:
    if {len(bytes.fromhex(key)) for key in value.get_secret_value().split()} != {KEY_BYTES}:
        raise ValueError("the vault key is 64 hexadecimal digits: try `openssl rand -hex 32`")
    return value


class FeedOf(NamedTuple):
    """One market that comes in live: whose, with which key, and what is always followed."""

    broker: str | None
    environment: Environment
    key: SecretStr | None
    secret: SecretStr | None
    symbols: tuple[str, ...]


class Settings(ServiceSettings):
    """Every knob; see the card for what each is for."""

    model_config = settings_config("BROKER_")

    fee_schedule: Literal["default", "institutions_only", "free"] = "default"
    """Commission the simulator charges."""
    vault_key: Annotated[StrongSecret, AfterValidator(_vault_key)]
    """Wraps every owner's key: 64 hexadecimal digits. Whoever loses it loses the brokers' credentials, and no more.

    There are several, the newest first, after `./exodus admin rotate-sealing broker`.
    """
    brokers_file: Path = BUILT_IN
    live_allowed: bool = False
    """The operator's switch: without it this process never learns a live host."""
    slippage_ticks: Annotated[int, Field(ge=0, le=20)] = 0
    """By how many ticks the simulator's market orders trade worse than shown."""
    submit_timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    """How long a broker may take to answer; then the order is unknown until evidence is found."""
    recover_every_seconds: Annotated[int, Field(ge=1, le=60)] = 2
    recover_after_seconds: Annotated[int, Field(ge=2, le=600)] = 10
    """How old an attempt without an answer must be before the recovery looks for evidence."""
    not_sent_patience_seconds: Annotated[int, Field(ge=1, le=600)] = 30
    """How long an order that certainly was not sent is tried again before it is rejected."""

    feed_broker: Literal["kis", "ls", "kiwoom"] | None = None
    """Whose market data of Korea this installation brings in live; none when nothing is said."""
    feed_environment: Environment = "paper"
    feed_key: SecretStr | None = None
    feed_secret: SecretStr | None = None
    """The operator's own key there. It must be nobody's account: a key has one connection."""
    feed_symbols: Annotated[tuple[str, ...], Field(max_length=FEED_SYMBOLS_MAX)] = ()
    """Followed whether anybody watches or not, before all others."""
    us_feed_broker: Literal["kis_us", "alpaca"] | None = None
    """The same for the United States, over a key of its own."""
    us_feed_environment: Environment = "paper"
    us_feed_key: SecretStr | None = None
    us_feed_secret: SecretStr | None = None
    us_feed_symbols: Annotated[tuple[str, ...], Field(max_length=FEED_SYMBOLS_MAX)] = ()

    restored_at: AwareDatetime | None = None
    """Orders from before this moment came out of a backup: they may be at their broker, are looked for, never sent."""
    quarantined: bool = False
    """The platform was restored and not released yet: no line to a broker is opened."""

    @model_validator(mode="after")
    def _brokers_can_be_read(self) -> "Settings":
        open_here(read_brokers(self.brokers_file, live_allowed=self.live_allowed))
        return self

    @property
    def feeds(self) -> tuple["FeedOf", ...]:
        """The markets that come in live."""
        korea = FeedOf(self.feed_broker, self.feed_environment, self.feed_key, self.feed_secret, self.feed_symbols)
        america = FeedOf(
            self.us_feed_broker, self.us_feed_environment, self.us_feed_key, self.us_feed_secret, self.us_feed_symbols
        )
        return tuple(feed for feed in (korea, america) if feed.broker is not None)

    @model_validator(mode="after")
    def _the_feeds_have_keys(self) -> "Settings":
        lines = read_brokers(self.brokers_file, live_allowed=self.live_allowed)
        for prefix, feed in zip(("", "us_"), (self.feed_broker, self.us_feed_broker), strict=True):
            if feed is not None and not (getattr(self, f"{prefix}feed_key") and getattr(self, f"{prefix}feed_secret")):
                raise ValueError(f"{prefix}feed_broker needs {prefix}feed_key and {prefix}feed_secret")
        for each in self.feeds:
            if (line := lines.get((str(each.broker), each.environment))) is None or not line.market_stream:
                raise ValueError(f"this process knows no {each.environment} stream of {each.broker}")
        return self

    def is_from_a_backup(self, moment: datetime) -> bool:
        """Whether what happened then may be known to brokers and not to us."""
        return self.restored_at is not None and moment <= self.restored_at

    @model_validator(mode="after")
    def _recovery_waits_for_answers(self) -> "Settings":
        if self.recover_after_seconds <= self.submit_timeout_seconds:
            raise ValueError("recover_after_seconds must be more than submit_timeout_seconds")
        return self
