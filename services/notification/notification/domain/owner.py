"""Whose things these are."""

from typing import NewType
from uuid import UUID

OwnerId = NewType("OwnerId", UUID)
