"""Verification, identification and calibration on utterances of labelled speakers."""
