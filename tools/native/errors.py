"""The failures a person can do something about: each message says what."""


class StackError(Exception):
    """Something about this machine or this stack stops the command; shown as one clear message, exit status 1."""

    EXIT_STATUS = 1


class PackagesMissing(StackError):
    """Debian packages are missing and we may not install them; exit status 2."""

    EXIT_STATUS = 2


class NothingThere(StackError):
    """There is no stack: nothing to stop or to remove, which is no failure of a command that wants just that."""
