"""Cohort of an encoder, against which scores are normalized."""
