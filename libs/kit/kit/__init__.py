"""Plumbing that every service shares: transactions, events, tokens, errors, settings. It knows no business noun."""
