"""Training of the shared trunk with its utterance and segmentation heads."""
