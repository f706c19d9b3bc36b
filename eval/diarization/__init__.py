"""Diarizers on conversations with references."""
