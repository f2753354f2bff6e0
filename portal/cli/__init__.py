"""The flask command groups, one file a group."""
