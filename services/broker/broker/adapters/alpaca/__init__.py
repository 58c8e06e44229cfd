"""Alpaca: US shares over its Trading API v2, with keys of ours for orders and a stream of trade updates."""
