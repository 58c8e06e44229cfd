"""People, as the tests meet them."""

from dataclasses import dataclass, replace
from uuid import UUID

import httpx
from auth.domain.user import Role, UserId
from auth.usecases.change_rights import change_rights
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

    async def logs_in(self, password: str = PASSWORD, **headers: str) -> httpx.Response:
        credentials = {"email": self.email, "password": password}
        answer = await self.http.post("/api/v1/auth/login", json=credentials, headers=headers)
        if answer.status_code == 200:
            self.access_token = answer.json()["access_token"]
            self.refresh_token = answer.json()["refresh_token"]
        return answer

    async def refreshes(self, token: str | None = None) -> httpx.Response:
        return await self.http.post("/api/v1/auth/refresh", json={"refresh_token": token or self.refresh_token})

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}


async def register(http: httpx.AsyncClient, email: str, password: str = PASSWORD, name: str = "김하늘") -> Person:
    answer = await http.post("/api/v1/auth/register", json={"email": email, "password": password, "name": name})
    assert answer.status_code == 201, answer.text
    return Person(http, answer.json()["email"], answer.json()["id"])


async def becomes(database: Database, person: Person, role: Role) -> None:
    """Give somebody a role, as the operator does, and let them log in with it."""
    async with database.system() as session:
        await change_rights(session, "operator", UserId(UUID(person.id)), lambda user: replace(user, role=role), now())
    await person.logs_in()
