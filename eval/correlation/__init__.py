"""Correlation of verification error rates, and their rivals, with diarization error rates."""

from __future__ import annotations

from eval.correlation.association import Association, associate
from eval.correlation.default_encoders import DEFAULT_ENCODERS
from eval.correlation.specification import EncoderSpecification

__all__ = ["DEFAULT_ENCODERS", "Association", "EncoderSpecification", "associate"]
