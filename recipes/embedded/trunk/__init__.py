"""Training of the trunk with its utterance and activity heads."""
