"""A tool: its arguments, the scope it requires, and its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.http import HttpRequest

from analysis.api.request_body import RequestBody
from imagelib.accounts.models import ApiToken

Arguments = TypeVar("Arguments", bound=RequestBody)


@dataclass(frozen=True)
class Preview:
    """An image file that accompanies a result."""

    content: bytes
    content_type: str


@dataclass(frozen=True)
class ToolResult:
    """The result of a tool: JSON values, and a picture if requested."""

    values: dict[str, Any]
    preview: Preview | None = None


@dataclass(frozen=True)
class Tool(Generic[Arguments]):
    """One tool.

    Models read `description`, the names of the arguments and their descriptions.
    """

    name: str
    description: str
    arguments: type[Arguments]
    scope: ApiToken.Scope
    run: Callable[[HttpRequest, Arguments], ToolResult]
    is_read_only: bool = True

    @property
    def input_schema(self) -> dict[str, Any]:
        return self.arguments.model_json_schema()
