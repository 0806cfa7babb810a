"""The access log as JSON, and Gunicorn's other lines in imagelib's format."""

from __future__ import annotations

import logging
import sys
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from imagelib.log_config import formatter
from imagelib.settings.logs import LOG_FORMAT, LOG_SECRETS

USER_ID = "imagelib.user_id"  # set by imagelib.request_ids


class Logger(GunicornLogger):
    """Logs a line per request if LOG_FORMAT is json or an access log is configured."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self._is_json = LOG_FORMAT == "json"
        if not self._is_json:
            return
        self._access_log_enabled = True
        for log in (self.error_log, self.access_log):
            if not log.handlers:
                log.addHandler(self._handler())
            for handler in log.handlers:
                handler.setFormatter(formatter(format_name=LOG_FORMAT, secrets=LOG_SECRETS))

    def access(self, resp: Any, req: Any, variables: dict[str, Any], request_time: timedelta) -> None:
        if not self._is_json:
            super().access(resp, req, variables, request_time)
            return
        path = str(variables.get("PATH_INFO", ""))[:500]
        status = int(str(resp.status).split(maxsplit=1)[0])
        fields = {
            "method": variables.get("REQUEST_METHOD"),
            # Without the query string, which contains people's searches.
            "path": path,
            "status": status,
            "bytes": getattr(resp, "sent", None),
            "duration_ms": round(request_time / timedelta(milliseconds=1), 1),
            "address": variables.get("REMOTE_ADDR"),
            "user_agent": str(variables.get("HTTP_USER_AGENT", ""))[:300],
            "request_id": dict(resp.headers).get("X-Request-ID"),
            "user_id": variables.get(USER_ID),
        }
        self.access_log.info("%s %s %d", fields["method"], path, status, extra=fields)

    def _handler(self) -> logging.Handler:
        handler = logging.StreamHandler(sys.stdout)
        handler._gunicorn = True  # type: ignore[attr-defined] # so that Gunicorn removes it at a reload
        return handler
