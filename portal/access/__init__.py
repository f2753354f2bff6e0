"""Signed links, devices and visits."""
