"""The HTTP application: `uvicorn auth.app:create_app --factory`."""

from fastapi import FastAPI
from kit.auth import TokenVerifier
from kit.http import create_service
from kit.settings import load

from auth.api import (
    keys,
    oauth,
    passkeys,
    passwords,
    profile,
    registration,
    second_factor,
    session_list,
    sessions,
    step_up,
)
from auth.config import Settings
from auth.resources import open_resources, signer_of


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; it verifies its own tokens by its own key, without asking itself over the network."""
    settings = settings or load(Settings)
    return create_service(
        settings,
        [
            registration.router,
            sessions.router,
            session_list.router,
            step_up.router,
            second_factor.router,
            passkeys.router,
            oauth.router,
            passwords.router,
            profile.router,
            keys.router,
        ],
        name="auth",
        open_resources=open_resources,
        verifier=verifier or signer_of(settings).verifier(),
    )
