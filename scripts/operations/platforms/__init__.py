"""Where the API can run."""
