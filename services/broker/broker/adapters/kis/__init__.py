"""Korea Investment & Securities (KIS): domestic cash orders over its Open API, on paper or live, never both."""
