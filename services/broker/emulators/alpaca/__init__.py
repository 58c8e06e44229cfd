"""Alpaca as a local server: Trading API v2, its error shapes and limits, and the stream of trade updates."""
