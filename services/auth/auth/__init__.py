"""auth: who you are, and the tokens that prove it."""
