"""Drills: each page of the runbook, done as it stands there. Standard library only: a bare host can run them."""
