"""Other providers one can log in by: what each is told, and what each says about a person."""

from dataclasses import dataclass, field
from typing import Protocol

from auth.domain.identity import Claimed


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one authorization is bound to; made anew for each."""

    state: str
    nonce: str
    verifier: str = field(repr=False)


class ProviderRefused(Exception):
    """The provider, or somebody in its name, said what cannot be believed."""


class ProviderSilent(Exception):
    """The provider did not answer, or not in time."""


class Provider(Protocol):
    """One provider, by whichever protocol it speaks."""

    name: str

    async def authorization_url(self, secrets: Secrets) -> str:
        """Return where the browser is sent."""
        ...

    async def identify(self, code: str, secrets: Secrets, issuer: str | None) -> Claimed:
        """Exchange a code for what the provider says about the person.

        Args:
            code: as it came back.
            secrets: of this authorization.
            issuer: the `iss` that came back with the code (RFC 9207), if any did.

        Raises:
            ProviderRefused: when anything about the answer is not as it must be.
            ProviderSilent: when there is no answer.
        """
        ...
