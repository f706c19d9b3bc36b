"""Hard cases: recordings in which diarizers go wrong, each with what is expected of it."""
