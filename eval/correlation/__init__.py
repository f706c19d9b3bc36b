"""Correlation of verification error rates with diarization error rates over many encoders."""

from __future__ import annotations

from eval.correlation.association import Association, associate
from eval.correlation.encoders import DEFAULT_ENCODERS, EncoderSpecification

__all__ = ["DEFAULT_ENCODERS", "Association", "EncoderSpecification", "associate"]
