"""People, as the tests meet them."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import httpx
import pyotp
from auth.domain.user import Role, UserId
from auth.usecases.change_rights import change_rights
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database

PASSWORD = "violet harbour 27 lanterns"
SERVICE_SECRET = "3f9a1c77e05b4d2896aa41d0c2be7f15"


@dataclass
class Person:
    """Somebody who has registered, and perhaps logged in."""

    http: httpx.AsyncClient
    email: str
    id: str
    access_token: str = ""
    refresh_token: str = ""
    secret: str = ""
    """Of the second factor, as text."""
    step: int | None = None
    """The time step after the one whose code set it up."""

    async def logs_in(self, password: str = PASSWORD, otp: str | None = None, **headers: str) -> httpx.Response:
        credentials = {"email": self.email, "password": password} | ({} if otp is None else {"otp": otp})
        answer = await self.http.post("/api/v1/auth/login", json=credentials, headers=headers)
        if answer.status_code == 200:
            self.access_token = answer.json()["access_token"]
            self.refresh_token = answer.json()["refresh_token"]
        return answer

    async def refreshes(self, token: str | None = None) -> httpx.Response:
        return await self.http.post("/api/v1/auth/refresh", json={"refresh_token": token or self.refresh_token})

    async def enrolls(self) -> list[str]:
        """Set up a second factor; return the recovery codes."""
        enrolled = await self.http.post("/api/v1/auth/2fa/enroll", headers=self.bearer)
        assert enrolled.status_code == 200, enrolled.text
        self.secret = enrolled.json()["secret"]
        step = int(time.time()) // 30
        activated = await self.http.post(
            "/api/v1/auth/2fa/activate", json={"code": pyotp.TOTP(self.secret).generate_otp(step)}, headers=self.bearer
        )
        assert activated.status_code == 200, activated.text
        self.step = step + 1
        codes: list[str] = activated.json()["recovery_codes"]
        return codes

    def code(self, steps: int = 0) -> str:
        """The code of now or, once one was used to set it up, of the step after: good for 30 seconds at least."""
        step = int(time.time()) // 30 if self.step is None else self.step
        return pyotp.TOTP(self.secret).generate_otp(step + steps)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


async def register(http: httpx.AsyncClient, email: str, password: str = PASSWORD, name: str = "김하늘") -> Person:
    answer = await http.post("/api/v1/auth/register", json={"email": email, "password": password, "name": name})
    assert answer.status_code == 201, answer.text
    return Person(http, answer.json()["email"], answer.json()["id"])


@asynccontextmanager
async def elsewhere(app: FastAPI, address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an application that runs already, from another address."""
    transport = httpx.ASGITransport(app=app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened


async def becomes(database: Database, person: Person, role: Role) -> None:
    """Give somebody a role, as the operator does, and let them log in with it."""
    async with database.system() as session:
        await change_rights(session, "operator", UserId(UUID(person.id)), lambda user: replace(user, role=role), now())
    await person.logs_in()
