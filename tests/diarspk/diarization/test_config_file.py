"""Settings in files, and by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diarspk.clustering import (
    ICASSP2018,
    KWON2021,
    AgglomerativeClusterer,
    EigengapClusterer,
    MultiStageClusterer,
    PldaClusterer,
    SpectralClusterer,
    VBxClusterer,
)
from diarspk.diarization import Diarizer, DiarizerConfig
from diarspk.diarization.config_file import (
    CLUSTERERS,
    describe_config,
    parse_config,
    read_config,
)
from diarspk.diarization.named_settings import CLUSTERER_NAMES
from diarspk.diarization.reconstruction import LOOSE, TIGHT
from diarspk.errors import ArgumentError, FormatError, ModelError

TEXT = """
clusterer: {type: SpectralClusterer, settings: ICASSP2018}
units: local
linking: {adaptation: KWON2021}
reconstruction: {max_gap_s: 1}
resegmentation: null
"""


def test_every_field_of_a_file_is_set(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(TEXT)
    config = read_config(tmp_path / "settings.yaml")
    assert config.clusterer == SpectralClusterer(ICASSP2018)
    assert (config.units, config.resegmentation) == ("local", None)
    assert config.linking.adaptation == KWON2021
    assert config.reconstruction is not None and config.reconstruction.max_gap_s == 1.0
    assert config.reliable_s == DiarizerConfig().reliable_s


@pytest.mark.parametrize("name", CLUSTERERS)
def test_what_is_described_is_read_again(name: str, tmp_path: Path) -> None:
    config = parse_config({"clusterer": name})
    document = describe_config(config)
    (tmp_path / "settings.json").write_text(json.dumps(document))
    assert describe_config(read_config(tmp_path / "settings.json")) == document
    assert document["clusterer"]["type"] == type(config.clusterer).__name__ == name


def test_defaults_are_read_again() -> None:
    assert parse_config(describe_config(DiarizerConfig())) == DiarizerConfig() == parse_config({})


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (3, "the settings must be a mapping of names to values, got 3"),
        ({"clusterr": 1}, "no setting 'clusterr'; did you mean clusterer?"),
        ({1: 2}, "no setting 1; it has clusterer"),
        ({"clusterer": "Mine"}, "clusterer.type must be one of AgglomerativeClusterer"),
        ({"clusterer": {"type": ["x"]}}, "clusterer.type must be one of"),
        ({"clusterer": {"type": "VBxClusterer", "settings": "ICASSP2018"}}, "one of AMI_BEAMF"),
        ({"clusterer": {"type": "VBxClusterer", "plda": "none"}}, "none: has no PLDA"),
        ({"clusterer": {"type": "VBxClusterer", "plda": 3}}, "clusterer.plda must be the name"),
        ({"clusterer": {"type": "AgglomerativeClusterer", "threshold": -1}}, "from 0, got -1"),
        ({"units": "windows"}, "units must be one of auto, local, subsegments"),
        ({"boundaries": "wide"}, "boundaries must be one of tight, loose, got 'wide'"),
        ({"boundaries": "loose", "reconstruction": {}}, "`boundaries` must be left out with"),
        ({"reliable_s": "3"}, "reliable_s must be a finite number, got '3'"),
        ({"reliable_s": float("nan")}, "reliable_s must be a finite number, got nan"),
        ({"reliable_s": 10**400}, "reliable_s must be a finite number, got 1000"),
        ({"target_speaker_vad": 1}, "target_speaker_vad must be true or false, got 1"),
        ({"resegmentation": {"iterations": 2.5}}, "iterations must be a whole number, got 2.5"),
        ({"clusterer": {"type": "SpectralClusterer", "settings": {}}}, "'refinements' is missing"),
    ],
)
def test_what_is_no_setting_is_refused(document: Any, fault: str) -> None:
    with pytest.raises((ArgumentError, ModelError), match=fault):
        parse_config(document)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"units: [", "is no YAML"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"units: windows", "bad.yaml: units must be one of"),
        (b"!!python/object/apply:os.system ['true']", "is no YAML"),
    ],
)
def test_errors_name_the_file(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(FormatError, match=fault):
        read_config(tmp_path / "bad.yaml")
    with pytest.raises(FormatError, match="no such file"):
        read_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("agglomerative", AgglomerativeClusterer),
        ("eigengap", EigengapClusterer),
        ("multi-stage", MultiStageClusterer),
        ("plda", PldaClusterer),
        ("spectral", SpectralClusterer),
        ("vbx", VBxClusterer),
    ],
)
def test_clusterers_are_loaded_by_name(name: str, kind: type) -> None:
    post = Diarizer.load(clusterer=name).postprocessing
    used = post.subsegment_clusterer or post.local_clusterer
    assert isinstance(used, kind)
    assert (post.subsegment_clusterer is not None) == (name in ("plda", "vbx"))
    assert name in CLUSTERER_NAMES


def test_a_threshold_is_that_of_the_clusterer_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("clusterer: {type: AgglomerativeClusterer}")
    file = Diarizer.load(config=tmp_path / "settings.yaml", threshold=0.7)
    alone, named = Diarizer.load(threshold=0.7), Diarizer.load(clusterer="agglomerative")
    assert file.config.clusterer == alone.config.clusterer == AgglomerativeClusterer(0.7)
    assert named.config.clusterer == AgglomerativeClusterer(0.6)
    with pytest.raises(ArgumentError, match=r"without one, got 0\.7 for EigengapClusterer"):
        Diarizer.load(clusterer="eigengap", threshold=0.7)


def test_boundaries_are_chosen_by_name_or_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "loose.yaml").write_text("boundaries: loose")
    (tmp_path / "own.yaml").write_text("reconstruction: {max_gap_s: 1}")
    assert DiarizerConfig().turns == TIGHT
    assert Diarizer.load(boundaries="loose").config.turns == LOOSE
    assert read_config(tmp_path / "loose.yaml").turns == LOOSE
    assert read_config(tmp_path / "own.yaml").turns.max_gap_s == 1.0
    loose = Diarizer.load(config=tmp_path / "loose.yaml", boundaries="tight")
    assert loose.config.boundaries == "tight"
    with pytest.raises(ArgumentError, match="`boundaries` must be left out with settings that"):
        Diarizer.load(config=tmp_path / "own.yaml", boundaries="tight")


def test_names_that_nothing_has() -> None:
    with pytest.raises(ArgumentError, match="`clusterer` must be one of agglomerative, eigengap"):
        Diarizer.load(clusterer="best")
    with pytest.raises(ArgumentError, match="`adaptation` must be one of attention, autoencoder"):
        Diarizer.load(adaptation="best")
    with pytest.raises(ArgumentError, match="`boundaries` must be one of tight, loose"):
        Diarizer.load(boundaries="wide")  # type: ignore[arg-type]
    assert Diarizer.load(adaptation="kwon2021").config.linking.adaptation == KWON2021
