"""The PLDA recipe on made-up utterances and a made-up encoder."""

import numpy as np
import pytest

from diarspk.clustering.plda_training import fit_plda
from diarspk.diarization.defaults import load_plda
from diarspk.errors import ModelError
from eval.embeddings.speech import Utterance
from recipes.plda.packed_features import embed_packed
from recipes.plda.train import compare, embed_crops


class Encoder:
    """Takes the first samples of a crop for its embedding."""

    def embed_batch(self, batch, sample_rate):
        assert sample_rate == 16000
        return np.stack([crop[:6] / np.linalg.norm(crop[:6]) for crop in batch])


def utterances(speakers=30, seed=0):
    rng = np.random.default_rng(seed)
    for speaker in range(speakers):
        voice = rng.normal(size=6)
        for take in range(2):
            waveform = 0.3 * rng.normal(size=16000 * (take + 1) + 4000).astype(np.float32)
            waveform[0:6] += voice
            waveform[16000:16006] += voice
            yield Utterance(f"{speaker}-{take}", f"speaker {speaker}", waveform)


def test_crops_are_consecutive_and_named_by_speaker():
    found = embed_crops(Encoder(), utterances(3), 1.0, most=4)
    assert found.embeddings.shape == (9, 6)
    assert found.speakers.tolist() == [f"speaker {i}" for i in range(3) for _ in range(3)]
    assert len(embed_crops(Encoder(), utterances(3), 1.0, most=1).speakers) == 6
    long = embed_crops(Encoder(), utterances(3), 5.0, most=4)  # whole where too short for a crop
    assert len(long.speakers) == 6
    assert len(embed_crops(Encoder(), list(utterances(2))[:3], 5.0, 4).of_several().speakers) == 2


def test_a_plda_is_compared_with_the_cosine():
    train = embed_crops(Encoder(), utterances(200), 1.0, 4)
    plda = fit_plda(train.embeddings, train.speakers)
    rates = compare(plda, embed_crops(Encoder(), utterances(40, seed=1), 1.0, 4))
    assert 0.0 <= rates["plda"] < 0.3
    assert 0.0 <= rates["cosine"] < 0.3


class MeanSpectrum:
    """An encoder whose embedding is the mean spectrum of a crop."""

    @staticmethod
    def network(features):
        return features.mean(1)


@pytest.fixture
def packed(tmp_path):
    """Two speakers of three utterances, each in one spectrum from end to end, and in a room."""
    rng = np.random.default_rng(0)
    features, rows, lines = [], [], ["utterance\tspeaker"]
    for speaker in ("anna", "ben"):
        for take in range(3):
            lines.append(f"{speaker}-{take}\t{speaker}")
            for variant in ("recorded", "room", "channel"):
                rows.append(f"{speaker}-{take},{variant},{100 * len(features)},100")
                features.append(np.tile(rng.normal(size=8), (100, 1)))
    np.save(tmp_path / "features.npy", np.concatenate(features).astype(np.float16))
    (tmp_path / "index.csv").write_text("utterance,variant,start,frames\n" + "\n".join(rows) + "\n")
    (tmp_path / "train.tsv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("equal", [False, True])
def test_crops_come_a_second_time_with_one_mean_spectrum(packed, equal):
    found = embed_packed(
        MeanSpectrum(), packed, packed / "train.tsv", seconds=1.0, most=4, equal_spectra=equal
    )
    names = ["anna"] * 4 + ["ben"] * 4  # of the six that are recorded or in a room
    equals = [f"{name}, equal" for name in names]
    assert found.speakers.tolist() == (names + equals if equal else names)
    cosines = found.embeddings @ found.embeddings.T
    assert np.sort(np.abs(cosines[:8, :8][np.triu_indices(8, 1)]))[-3] < 0.99  # as they were
    if equal:
        assert cosines[8:, 8:].min() > 0.99


def test_utterances_that_the_table_lacks_are_left_out(packed):
    lines = (packed / "train.tsv").read_text().splitlines()
    table = packed / "labelled.tsv"
    table.write_text("\n".join(line for line in lines if not line.startswith("ben")) + "\n")
    found = embed_packed(MeanSpectrum(), packed, table, seconds=1.0, most=4)
    assert found.speakers.tolist() == ["anna"] * 4


def test_a_missing_plda_is_named():
    with pytest.raises(ModelError, match=r"nonsense: has no PLDA; python -m recipes\.plda\.train"):
        load_plda("nonsense")
