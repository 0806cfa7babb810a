"""Calls tools: checks scope and arguments, and turns errors into sentences."""

from __future__ import annotations

import json
from typing import Any

import pydantic
from django.http import HttpRequest
from django.utils.translation import gettext as _

from analysis.api import errors
from analysis.api.authentication import require_scope, token_of
from analysis.mcp_server import analysis_tools, label_tools, search_tools
from analysis.mcp_server.tool import Tool, ToolResult

TOOLS: dict[str, Tool[Any]] = {
    tool.name: tool for tool in (*search_tools.TOOLS, *label_tools.TOOLS, *analysis_tools.TOOLS)
}


class CallRefused(Exception):
    """A call that was refused or failed. The message is for the model."""


def call(request: HttpRequest, name: str, arguments: dict[str, Any]) -> ToolResult:
    """Run a tool for the request's token. Raises CallRefused."""
    tool = TOOLS.get(name)
    if tool is None:
        raise CallRefused(_("There is no tool with this name. Choose from: %(known)s.") % {"known": ", ".join(TOOLS)})
    try:
        require_scope(token_of(request), tool.scope)
        return tool.run(request, tool.arguments.model_validate_json(json.dumps(arguments)))
    except pydantic.ValidationError as error:
        raise CallRefused(_sentence(error)) from error
    except tuple(errors.RESPONSES) as error:
        raise CallRefused(errors.detail_of(error)) from error


def _sentence(error: pydantic.ValidationError) -> str:
    """The errors of the arguments, without the values that were sent."""
    field_errors = error.errors(include_input=False, include_url=False)[: errors.MAX_FIELD_ERRORS]
    return "; ".join(f"{'.'.join(map(str, entry['loc']))[:200]}: {entry['msg']}" for entry in field_errors)
