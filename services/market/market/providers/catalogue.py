"""Which sources this installation uses: those its operator lists, in that order, each with its address and its keys."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import SecretStr

from market.config import MinuteSource, Settings, Source
from market.providers import alpaca_minutes, alpha_vantage, dart, kis_calls, krx_open_api, krx_portal, naver, yahoo
from market.providers.alpaca_minutes import AlpacaMinutes
from market.providers.alpha_vantage import AlphaVantage
from market.providers.caller import Caller, Sleep
from market.providers.dart import Dart
from market.providers.files import Files
from market.providers.kis_calls import KisCalls
from market.providers.kis_charts import KisCharts
from market.providers.kis_minutes import KisMinutes
from market.providers.krx_open_api import KrxOpenApi
from market.providers.krx_portal import KrxPortal
from market.providers.naver import Naver
from market.providers.port import MinuteProvider, Provider
from market.providers.yahoo import Yahoo


class SettingMissing(Exception):
    """A source is listed, but what it needs is not set."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sources, and the connections to close in the end."""

    providers: tuple[Provider, ...]
    portal: KrxPortal | None
    dart: Dart | None
    yahoo: Yahoo | None
    minutes: tuple[MinuteProvider, ...]
    kis: KisCalls | None
    callers: tuple[Caller, ...]

    async def close(self) -> None:
        """Hang up on all of them."""
        await asyncio.gather(*(caller.close() for caller in self.callers))


@dataclass
class _Building:
    """What every source is made of."""

    settings: Settings
    clock: Callable[[], datetime]
    sleep: Sleep
    callers: list[Caller]
    _kis: KisCalls | None = None

    def kis(self) -> KisCalls:
        """Calls of KIS, the same for whoever asks: its key has one token."""
        if self._kis is None:
            caller = self.caller(self.settings.kis_url, kis_calls.PACE_SECONDS)
            self._kis = KisCalls(caller, self.secret("kis_key"), self.secret("kis_secret"), self.clock, self.sleep)
        return self._kis

    def caller(self, url: str, pace_seconds: float, headers: Mapping[str, str] | None = None) -> Caller:
        self.callers.append(Caller(url, pace_seconds, headers, self.sleep))
        return self.callers[-1]

    def secret(self, name: str) -> str:
        secret: SecretStr | None = getattr(self.settings, name)
        if secret is None or not secret.get_secret_value():
            raise SettingMissing(
                f"MARKET_{name.upper()} is not set, and one of MARKET_DAILY_SOURCES or MARKET_MINUTE_SOURCES needs it"
            )
        return secret.get_secret_value()


def _krx_open_api(it: _Building) -> Provider:
    caller = it.caller(it.settings.krx_open_api_url, krx_open_api.PACE_SECONDS)
    return KrxOpenApi(caller, it.secret("krx_open_api_key"), it.clock)


def _krx_portal(it: _Building) -> Provider:
    caller = it.caller(it.settings.krx_portal_url, krx_portal.PACE_SECONDS, krx_portal.HEADERS)
    return KrxPortal(caller, it.secret("krx_portal_user"), it.secret("krx_portal_password"))


def _kis(it: _Building) -> Provider:
    return KisCharts(it.kis())


def _naver(it: _Building) -> Provider:
    return Naver(it.caller(it.settings.naver_url, naver.PACE_SECONDS), it.clock)


def _yahoo(it: _Building) -> Provider:
    return Yahoo(it.caller(it.settings.yahoo_url, yahoo.PACE_SECONDS, {"User-Agent": "Mozilla/5.0 (exodus)"}))


def _alpha_vantage(it: _Building) -> Provider:
    caller = it.caller(it.settings.alpha_vantage_url, alpha_vantage.PACE_SECONDS)
    return AlphaVantage(caller, it.secret("alpha_vantage_key"), it.clock)


def _files(it: _Building) -> Provider:
    if it.settings.files_folder is None:
        raise SettingMissing("MARKET_FILES_FOLDER is not set, and `files` is one of MARKET_DAILY_SOURCES")
    return Files(it.settings.files_folder)


def _dart(it: _Building) -> Dart:
    return Dart(it.caller(it.settings.dart_url, dart.PACE_SECONDS), it.secret("dart_key"), it.clock)


BUILDERS: Final[dict[Source, Callable[[_Building], Provider]]] = {
    "krx_open_api": _krx_open_api,
    "krx_portal": _krx_portal,
    "kis": _kis,
    "naver": _naver,
    "yahoo": _yahoo,
    "alpha_vantage": _alpha_vantage,
    "files": _files,
}


def _kis_minutes(it: _Building) -> MinuteProvider:
    return KisMinutes(it.kis())


def _alpaca_minutes(it: _Building) -> MinuteProvider:
    keys = {"APCA-API-KEY-ID": it.secret("alpaca_key"), "APCA-API-SECRET-KEY": it.secret("alpaca_secret")}
    return AlpacaMinutes(it.caller(it.settings.alpaca_url, alpaca_minutes.PACE_SECONDS, keys), it.settings.alpaca_feed)


MINUTE_BUILDERS: Final[dict[MinuteSource, Callable[[_Building], MinuteProvider]]] = {
    "kis": _kis_minutes,
    "alpaca": _alpaca_minutes,
}


def open_catalogue(settings: Settings, clock: Callable[[], datetime], sleep: Sleep = asyncio.sleep) -> Catalogue:
    """Make the sources of `daily_sources` and `minute_sources`.

    Raises:
        SettingMissing: with the variable to set.
    """
    building = _Building(settings, clock, sleep, [])
    providers = tuple(BUILDERS[name](building) for name in settings.daily_sources)
    portal = next((one for one in providers if isinstance(one, KrxPortal)), None)
    has_dart = settings.dart_key is not None
    filings = _dart(building) if has_dart else None
    yahoo = next((one for one in providers if isinstance(one, Yahoo)), None)
    minutes = tuple(MINUTE_BUILDERS[name](building) for name in settings.minute_sources)
    kis = building.kis() if "kis" in settings.daily_sources else None
    return Catalogue(providers, portal, filings, yahoo, minutes, kis, tuple(building.callers))
