"""Target speech extraction: one speaker's voice out of a mixture, given a cue.

Nothing is here yet: extractors come with their own recipe and weights.
"""
