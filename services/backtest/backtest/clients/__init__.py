"""The two services the worker asks: auth for a token, market for bars."""
