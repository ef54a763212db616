"""The verbs of operation: deploy, roll back, look, measure. Standard library only, so that a bare host can run them."""
