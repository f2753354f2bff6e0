"""Approved email: templates, sendings, the outbox."""
