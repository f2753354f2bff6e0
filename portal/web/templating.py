"""What every template may use."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask

from portal.web import formats, house


def install(app: Flask) -> None:
    """Register the filters and the strictness of the template environment."""
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["duration_ms"] = formats.duration
    app.jinja_env.filters["when"] = _when
    app.jinja_env.filters["ago"] = _ago


def _when(moment: datetime | None) -> str:
    return formats.when(moment, ZoneInfo(house.settings().display_zone))


def _ago(moment: datetime | None) -> str:
    return formats.ago(moment, house.now())
