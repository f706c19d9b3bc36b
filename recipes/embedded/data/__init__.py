"""Training data of the embedded model: preparation, crops, simulated conversations."""
