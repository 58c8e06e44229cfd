"""notification: telling people what happened, at once and for later."""
