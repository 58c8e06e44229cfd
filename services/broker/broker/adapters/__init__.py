"""One connector per broker, all behind the Protocol of `port`."""
