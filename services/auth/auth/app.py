"""The HTTP application: `uvicorn auth.app:create_app --factory`."""

from fastapi import FastAPI
from kit.auth import Revoked, TokenVerifier
from kit.clock import now
from kit.http import create_service
from kit.settings import load

from auth.api import (
    admin,
    api_keys,
    belongings,
    delegations,
    exports,
    keys,
    oauth,
    passkeys,
    passwords,
    profile,
    proposals,
    registration,
    second_factor,
    session_list,
    sessions,
    step_up,
)
from auth.api import revocations as revocation_routes
from auth.api import settings as preferences
from auth.config import Settings
from auth.crowd_guard import CrowdGuard
from auth.resources import Resources, open_resources, signer_of
from auth.store import revocations

OWN_PLACES = (
    "/api/v1/auth/",
    "/api/v1/users/profile",
    "/api/v1/users/settings",
    "/api/v1/users/me",
    "/api/v1/users/export",
)
"""What even a viewer changes: how they log in, and what is said about themselves."""


def create_app(settings: Settings | None = None, verifier: TokenVerifier | None = None) -> FastAPI:
    """Build the application; it verifies its own tokens by its own key, without asking itself over the network."""
    settings = settings or load(Settings)

    async def revoked() -> Revoked:
        resources: Resources = app.state.resources
        async with resources.database.public() as session:
            return await revocations.list_living(session, now())

    app = create_service(
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
            preferences.router,
            keys.router,
            revocation_routes.router,
            admin.router,
            proposals.router,
            api_keys.router,
            delegations.router,
            exports.router,
            belongings.router,
        ],
        name="auth",
        open_resources=open_resources,
        verifier=verifier or signer_of(settings).verifier(revoked),
    )
    app.state.write_scope = None  # no API key changes who somebody is or what they may do
    app.state.viewers_change = OWN_PLACES
    app.add_middleware(CrowdGuard)
    return app
