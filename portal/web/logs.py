"""One line per request: the route rule, never the path; ids, never names or addresses."""

import logging
import sys
import time

import structlog
from flask import Flask, Response, g, request

from portal.db import new_id


def install(app: Flask, *, production: bool) -> None:
    """Write JSON lines in production and readable lines otherwise, to standard error."""
    shape: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if production
        else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # plain: a traceback with local variables would tell secrets
            shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.request_id = new_id()
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    rule = request.url_rule.rule if request.url_rule is not None else "-"
    took_ms = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
    structlog.get_logger().info(
        "request",
        id=g.get("request_id", ""),
        method=request.method,
        rule=rule,
        status=response.status_code,
        ms=took_ms,
        reason=g.get("reason", ""),
    )
    return response
