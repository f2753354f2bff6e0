"""What is kept about one person: taken away as a copy, or erased in every room at once."""
