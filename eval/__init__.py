"""Protocols over data sets and the reports they write; used from a checkout only.

Run as ``python -m eval.diarization``, ``python -m eval.verification``, ``python -m eval.speed``;
import names as ``from eval.diarization.conversations import ...``, since a bare ``eval`` is the
builtin.
"""
