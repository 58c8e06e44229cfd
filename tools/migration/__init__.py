"""`./exodus migrate-from`: people, strategies, accounts and what they hold, out of an installation of another kind."""
