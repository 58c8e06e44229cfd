"""The sources of prices as programs of our own: they speak what the real ones were recorded to speak, faults included.

Tests and rehearsals point the providers' addresses here; nothing of the product imports this package.
"""
