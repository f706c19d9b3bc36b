"""Training of the head of target-speaker VAD (TS-VAD)."""
