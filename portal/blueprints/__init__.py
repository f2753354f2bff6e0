"""Doors of the house: one blueprint a public."""
