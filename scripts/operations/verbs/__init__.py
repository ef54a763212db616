"""What a person or a pipeline can ask for; each has its script in scripts/."""
