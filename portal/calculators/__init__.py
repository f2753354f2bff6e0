"""Clinical calculators as data: a small formula language, its checks, and its evaluation."""
