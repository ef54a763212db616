"""Load that comes when it is due, and what became of each request. docs/load.md."""
