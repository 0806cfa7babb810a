"""Settings of the API, MCP, and messages to other programs."""

from __future__ import annotations

from imagelib.settings.environment import env

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)
SITE_URL = env.str("SITE_URL", "")
DELIVERY_PRIVATE_ADDRESSES = env.bool("DELIVERY_PRIVATE_ADDRESSES", False)
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match"),
    *("mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"),  # sent by clients of MCP
)
CORS_EXPOSE_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)
