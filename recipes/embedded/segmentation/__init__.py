"""Training of the segmentation head."""
