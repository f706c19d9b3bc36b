"""Linking across recordings: who is given one label, and who should have been."""
