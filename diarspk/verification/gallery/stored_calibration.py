"""Calibration of cosines that is stored in a gallery, for the space that it was fitted in."""

from __future__ import annotations

import json
from dataclasses import asdict

from diarspk.embeddings.space import Space
from diarspk.errors import ModelError
from diarspk.verification.calibration import ScoreCalibration, default_calibration
from diarspk.verification.gallery.database import Database

__all__ = ["read_calibration", "write_calibration"]

NOTE = "calibration"


def read_calibration(database: Database, space: Space) -> ScoreCalibration | None:
    """Read the stored calibration if it is of the space, else the default one of that, else None.

    Raises
    ------
    ModelError
        What is stored is damaged.
    """
    note = database.read_note(NOTE)
    if note is not None:
        try:
            calibration = ScoreCalibration(**json.loads(note))
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"{database.name}: the stored calibration is damaged ({error}); run `diarspk "
                "gallery calibrate`"
            ) from error
        if calibration.fingerprint == space.fingerprint:
            return calibration
    return default_calibration(space.fingerprint)


def write_calibration(database: Database, calibration: ScoreCalibration) -> None:
    """Store a calibration in place of an earlier one; inside `writing`."""
    database.write_note(NOTE, json.dumps(asdict(calibration)))
