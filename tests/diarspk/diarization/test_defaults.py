"""Parts that come with the embedded encoder belong to its space."""

import diarspk
from diarspk.clustering.counting_clusterer import CountingClusterer
from diarspk.diarization.confidence import UNCALIBRATED
from diarspk.diarization.defaults import load_defaults, load_plda
from diarspk.verification.calibration import default_calibration


def test_every_part_that_belongs_to_one_space_is_there_for_the_embedded_one():
    encoder = diarspk.load_encoder()
    defaults = load_defaults(encoder.fingerprint)
    for clusterer in (defaults.clusterer.short, defaults.clusterer.long):
        assert clusterer.plda.fingerprint == encoder.fingerprint
        assert clusterer.plda.dimension == encoder.dimension
    assert load_plda().fingerprint == encoder.fingerprint
    assert defaults.vad_head is not None
    assert defaults.calibration != UNCALIBRATED
    assert default_calibration(encoder.fingerprint) is not None


def test_an_unknown_space_has_no_parts():
    defaults = load_defaults("unknown")
    assert defaults.clusterer is None and defaults.vad_head is None
    assert defaults.calibration == UNCALIBRATED


def test_what_was_fitted_to_campplus_ships():
    fingerprint = "add4d0c5889ac233"
    defaults = load_defaults(fingerprint)
    assert isinstance(defaults.clusterer, CountingClusterer)
    assert defaults.clusterer.long.plda.fingerprint == fingerprint
    assert defaults.clusterer.long.settings == defaults.settings.session
    assert defaults.calibration != UNCALIBRATED
    assert default_calibration(fingerprint).fingerprint == fingerprint
