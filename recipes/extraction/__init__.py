"""Target speech extractors, and a study of their cues and fusions."""
