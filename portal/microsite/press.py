"""Renders what is stored: fragments of versions at approval, and the shells of pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from portal.microsite.pieces import slot

_TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


class Press:
    """A template environment without a web framework; `static_url` gives addresses of static files."""

    def __init__(self, static_url: Callable[[str], str]) -> None:
        """Prepare the environment."""
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=select_autoescape(("html",)),
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.globals["static_url"] = static_url
        self._environment.globals["slot"] = lambda name: Markup(slot(name))

    def print(self, template: str, /, **context: Any) -> str:
        """Return a rendered template."""
        return self._environment.get_template(template).render(**context)
