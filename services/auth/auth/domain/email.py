"""E-mail addresses as one spelling each, so that one person cannot be two accounts."""

import unicodedata

EMAIL_LENGTH_MAX = 254


def normalise(address: str) -> str:
    """Return the spelling under which an address is stored and looked up: NFC, case folded."""
    folded = unicodedata.normalize("NFC", address).casefold()
    return unicodedata.normalize("NFC", folded)
