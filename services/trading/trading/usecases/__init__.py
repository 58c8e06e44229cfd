"""One thing that can be done, per file: lock, decide, save, record.

The account row is the one lock. Whoever changes an account's orders, positions, balances or ledger holds it first, so
two changes of one account never interleave, and nobody waits for a second lock while holding one.
"""
