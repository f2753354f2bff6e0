"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi`."""

from portal import create_app
from portal.cli import speak_plainly
from portal.config import load_or_leave

app = create_app(load_or_leave())
speak_plainly(app.cli)
