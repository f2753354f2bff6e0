"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi`."""

import gc

from portal import create_app
from portal.cli import speak_plainly
from portal.config import load_or_leave

app = create_app(load_or_leave())
speak_plainly(app.cli)
gc.collect()
gc.freeze()  # what is loaded now stays: the collector need not walk through it again and again
