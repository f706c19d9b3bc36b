from dataclasses import replace

import numpy as np
import pytest
import torch

import diarspk
from diarspk.diarization.first_pass import compute_local_speakers
from diarspk.diarization.local_speakers import FirstPassModels
from diarspk.encoders.precision import choose_precision, multiply_in
from diarspk.errors import ArgumentError
from diarspk.features.recording import analyse
from diarspk.segmentation.segmenter import EmbeddedSegmenter


def test_auto_is_what_the_processor_multiplies(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(avx: bool, amx: bool) -> None:
        for name, found in (("_is_avx512_bf16_supported", avx), ("_is_amx_tile_supported", amx)):
            monkeypatch.setattr(torch.cpu, name, lambda found=found: found, raising=False)

    answer(False, False)
    assert choose_precision("auto") == "single"
    answer(True, False)
    assert choose_precision("auto") == "bfloat16"
    answer(False, True)
    assert choose_precision("auto") == "bfloat16"
    assert choose_precision("single") == "single"


def test_a_torch_that_cannot_be_asked_multiplies_in_single(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert choose_precision("auto") == "single"


def test_precision_lasts_as_long_as_the_with() -> None:
    linear, x = torch.nn.Linear(4, 4), torch.ones(1, 4)
    with multiply_in("bfloat16"):
        assert linear(x).dtype == torch.bfloat16
    with multiply_in("single"):
        assert linear(x).dtype == torch.float32
    assert linear(x).dtype == torch.float32


def test_a_wrong_precision_is_told() -> None:
    with pytest.raises(ArgumentError, match="one of auto, single, bfloat16, got 'half'"):
        diarspk.Diarizer(precision="half")  # type: ignore[arg-type]


def talk(seconds: float = 30.0) -> np.ndarray:
    """Two buzzing voices in turn, with pauses and noise."""
    time = np.arange(round(seconds * 16000)) / 16000
    pitch = np.where(time % 8 < 4, 110.0, 210.0)
    buzz = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / 16000)) * (np.sin(6 * time) > -0.5)
    noise = np.random.default_rng(0).normal(0, 0.01, len(time))
    return (0.2 * buzz * (1 + np.sin(17 * time)) + noise).astype(np.float32)


def test_bfloat16_finds_what_single_precision_finds() -> None:
    encoder = diarspk.load_encoder()
    segmenter = diarspk.Diarizer().segmentation
    assert isinstance(segmenter, EmbeddedSegmenter)
    recording = analyse(diarspk.audio.open_audio(talk(), 16000), encoder.log_mel)
    models = FirstPassModels(encoder, segmenter)
    half = replace(models, precision="bfloat16")
    single, fast, again = (compute_local_speakers(recording, each) for each in (models, half, half))
    assert fast.activity.dtype == fast.embeddings.dtype == np.float32
    assert not np.array_equal(single.activity, fast.activity)
    np.testing.assert_array_equal(fast.activity, again.activity)
    np.testing.assert_allclose(fast.activity, single.activity, atol=0.1)
    assert np.abs(fast.activity - single.activity).mean() < 0.005
    assert single.frame_embeddings is not None and fast.frame_embeddings is not None
    alike = np.sort((single.frame_embeddings * fast.frame_embeddings).sum(1))
    # In one place, before a pause, the enhancer is between two states; rounding decides.
    assert alike[0] > 0.99 and (alike[1:] > 0.999).all()
    assert single.subsegments is not None and fast.subsegments is not None
    cosines = (single.subsegments.embeddings * fast.subsegments.embeddings).sum(1)
    assert np.median(cosines) > 0.999 and (cosines > 0.9).all()  # not all are of the same frames


def test_passes_of_two_precisions_are_kept_apart(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for precision in ("single", "bfloat16", "single"):
        diarspk.Diarizer(cache=tmp_path, precision=precision)(talk(6.0), 16000)
    assert len(list(tmp_path.glob("*.npz"))) == 2
