"""Sites, modules and mandatory blocks: versions, approval, what is in force."""
