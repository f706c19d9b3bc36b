"""Clusterers and session adaptations on embeddings of conversations."""
