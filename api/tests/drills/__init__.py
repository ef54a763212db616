"""The runbook, drilled."""
