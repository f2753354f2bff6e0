"""The demo: a real, superseded label, fictional doctors and staff, put in by the same actions as everything else."""
