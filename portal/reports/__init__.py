"""Answers for reps, managers and compliance."""
