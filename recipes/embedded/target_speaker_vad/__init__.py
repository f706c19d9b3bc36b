"""Training of the target activity head."""
