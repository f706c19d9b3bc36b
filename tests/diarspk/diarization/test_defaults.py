"""What ships beside the embedded encoder belongs to it."""

import diarspk
from diarspk.diarization.confidence import UNCALIBRATED
from diarspk.diarization.defaults import load_plda, shipped_confidence, shipped_vbx
from diarspk.verification.calibration import shipped_calibration


def test_everything_that_belongs_to_one_space_ships_for_the_embedded_one():
    encoder = diarspk.load_encoder()
    clusterer = shipped_vbx(encoder.fingerprint)
    assert clusterer is not None and clusterer.plda.fingerprint == encoder.fingerprint
    assert clusterer.plda.dimension == encoder.dimension
    assert load_plda() is clusterer.plda
    assert shipped_confidence(encoder.fingerprint) != UNCALIBRATED
    assert shipped_calibration(encoder.fingerprint) is not None


def test_nothing_ships_for_an_unknown_space():
    assert shipped_vbx("unknown") is None
    assert shipped_confidence("unknown") == UNCALIBRATED
