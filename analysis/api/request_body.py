"""Base of request bodies: unknown fields and wrong types are errors."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_ID = 2**63 - 1
"""PostgreSQL refuses a larger bigint."""
RowId = Annotated[int, Field(ge=1, le=MAX_ID)]


class RequestBody(BaseModel):
    """A JSON object.

    Not a ninja Schema: that reads any object's attributes, and takes a list for an object without fields.
    """

    # Strict: 0 is no false and "5" no number. A caller who sends them has made a mistake that would surprise later.
    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _without_nul(cls, value: Any) -> Any:
        """Read NUL as a blank, as searches and pages do: PostgreSQL stores it in no text."""
        if isinstance(value, list):
            return [cls._without_nul(item) for item in value]
        return value.replace("\0", " ") if isinstance(value, str) else value
