"""The production checklist, asked of a running deployment: docs/readiness.md."""
