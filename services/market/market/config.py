"""Settings of market, read from MARKET_… variables or secret files."""

from pathlib import Path
from typing import Annotated, Literal

from kit.settings import ServiceSettings, settings_config
from pydantic import Field, SecretStr

MINUTE_SYMBOLS_MAX = 500
MinuteSource = Literal["kis", "alpaca"]
Source = Literal["krx_open_api", "krx_portal", "kis", "naver", "yahoo", "alpha_vantage", "files"]


class Settings(ServiceSettings):
    """Where prices come from. No source is used that is not listed: most may be used by their own account only."""

    model_config = settings_config("MARKET_")

    daily_sources: tuple[Source, ...] = ()
    """The sources of daily bars in the order in which they are asked, as a JSON list: `["krx_open_api", "naver"]`."""
    minute_sources: tuple[MinuteSource, ...] = ()
    """The sources of minutes of the past, in the same way: `["kis", "alpaca"]`."""
    minute_symbols: Annotated[tuple[str, ...], Field(max_length=MINUTE_SYMBOLS_MAX)] = ()
    """Whose minutes are collected after each session, beside those that came in live that day."""
    files_folder: Path | None = None
    krx_open_api_url: str = "https://data-dbg.krx.co.kr"
    krx_open_api_key: SecretStr | None = None
    krx_portal_url: str = "https://data.krx.co.kr"
    krx_portal_user: SecretStr | None = None
    krx_portal_password: SecretStr | None = None
    kis_url: str = "https://openapi.koreainvestment.com:9443"
    kis_key: SecretStr | None = None
    kis_secret: SecretStr | None = None
    alpaca_url: str = "https://data.alpaca.markets"
    alpaca_key: SecretStr | None = None
    alpaca_secret: SecretStr | None = None
    alpaca_feed: Literal["iex", "sip"] = "iex"
    """Whose trades its bars are of: `iex`, which is free, is one exchange of many; `sip` is all of them."""
    naver_url: str = "https://fchart.stock.naver.com"
    yahoo_url: str = "https://query2.finance.yahoo.com"
    alpha_vantage_url: str = "https://www.alphavantage.co"
    alpha_vantage_key: SecretStr | None = None
    dart_url: str = "https://opendart.fss.or.kr"
    dart_key: SecretStr | None = None
