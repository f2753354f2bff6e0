"""Gunicorn's settings: `gunicorn --config python:portal.serving wsgi:app`."""

import os

from portal.config import load_or_leave

# Before any worker is started: a worker that leaves is started again, for ever.
load_or_leave()

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
accesslog = None  # it would write the tokens of links; the application logs the route rule instead
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
graceful_timeout = 20
timeout = 60
limit_request_line = 2048
limit_request_fields = 60
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")
