"""Labelled utterances, and their embeddings by a system."""
