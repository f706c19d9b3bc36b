"""Training of the frame head."""
