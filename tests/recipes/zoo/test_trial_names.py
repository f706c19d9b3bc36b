"""Names in lists of trials, as VoxCeleb and lhotse give them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from diarspk.errors import ArgumentError
from diarspk.verification.trials import Trial
from recipes.zoo.trial_names import match_trials


def cut(path, suffix="-0", kind="file"):
    """Cut of a recording as ``lhotse prepare voxceleb`` and ``lhotse cut simple`` name them."""
    name = path.removesuffix(".wav").replace("/", "-")
    source = SimpleNamespace(type=kind, source=f"/data/vox1/wav/{path}")
    return SimpleNamespace(
        id=name + suffix,
        supervisions=[SimpleNamespace(id=name)],
        recording=SimpleNamespace(id=name, sources=[source]),
    )


FILES = ("id10270/x6u/00001.wav", "id10270/8jE/00001.wav", "id10271/8jE/00001.wav")
CUTS = [cut(path) for path in FILES]


@pytest.mark.parametrize(
    "form",
    [
        "id10270/x6u/00001.wav",  # VoxCeleb
        "wav/id10270/x6u/00001.wav",
        "voxceleb1/id10270/x6u/00001.wav",  # VoxSRC
        "id10270/x6u/00001",
        "id10270-x6u-00001",  # lhotse's recordings, Kaldi
        "id10270-x6u-00001.wav",
        "id10270-x6u-00001-0",  # lhotse's cuts
        "/data/vox1/wav/id10270/x6u/00001.wav",
    ],
)
def test_a_recording_is_found_by_all_its_names(form):
    trials = [Trial(form, "id10271/8jE/00001.wav", False)]
    assert match_trials(trials, CUTS, "list") == [
        Trial("id10270-x6u-00001-0", "id10271-8jE-00001-0", False)
    ]


def test_ids_that_tell_nothing_are_found_by_their_paths():
    cuts = [cut(path) for path in FILES]
    for number, one in enumerate(cuts):
        one.id = one.supervisions[0].id = one.recording.id = f"cut{number}"
    found = match_trials([Trial(FILES[1], FILES[2], False)], cuts, "list")
    assert found == [Trial("cut1", "cut2", False)]


def test_a_name_of_several_recordings_is_none():
    with pytest.raises(ArgumentError, match=r"list: 1 of the 2 recordings .* first is '00001.wav'"):
        match_trials([Trial("00001.wav", FILES[0], True)], CUTS, "list")


def test_a_recording_that_is_missing_is_named():
    with pytest.raises(ArgumentError, match=r"id1/a/1.wav.* has names like 'id10270-x6u-00001-0'"):
        match_trials([Trial(FILES[0], "id1/a/1.wav", False)], CUTS, "list")


def test_two_names_of_one_cut_are_an_error():
    halves = [cut(FILES[0], "-0"), cut(FILES[1], "-0")]
    halves[1].recording.sources[0].source = "/data/other/2.wav"
    trials = [Trial("other/2.wav", "id10270-8jE-00001", True)]
    with pytest.raises(ArgumentError, match="are both the cut 'id10270-8jE-00001-0'"):
        match_trials(trials, halves, "list")


def test_two_cuts_of_a_recording_are_told_apart_by_their_ids_alone():
    halves = [cut(FILES[0], "-0"), cut(FILES[0], "-1")]
    trials = [Trial("id10270-x6u-00001-0", "id10270-x6u-00001-1", True)]
    assert match_trials(trials, halves, "list") == trials
    with pytest.raises(ArgumentError, match="in no cut, or in several"):
        match_trials([Trial(FILES[0], "id10270-x6u-00001-1", True)], halves, "list")
