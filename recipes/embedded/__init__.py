"""The embedded model: one local trunk and its heads."""
