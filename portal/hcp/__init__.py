"""Doctors: who they are, who looks after them, what they consented to."""
