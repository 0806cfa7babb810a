"""Base of request bodies: unknown fields and wrong types are errors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_ID = 2**63 - 1
"""The largest bigint of PostgreSQL."""
RowId = Annotated[int, Field(ge=1, le=MAX_ID)]


class RequestBody(BaseModel):
    """A JSON object.

    Not a ninja Schema, which reads attributes of any object, and accepts a list as an object without fields.
    """

    # Strict, so that 0 is not false and "5" is not a number: such a request is a mistake that would surface later.
    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        """Replace NUL, which PostgreSQL cannot store, by a space, as pages do."""
        if isinstance(value, list):
            return [cls._without_nul(item) for item in value]
        return value.replace("\0", " ") if isinstance(value, str) else value
