"""Settings of market, read from MARKET_… variables or secret files."""

from kit.settings import ServiceSettings, settings_config


class Settings(ServiceSettings):
    """market needs nothing beyond what every service needs."""

    model_config = settings_config("MARKET_")
