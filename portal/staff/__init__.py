"""Members of staff, their sessions and what each may do."""
