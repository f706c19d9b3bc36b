from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from diarspk.encoders.base import FrameEmbeddings, SpeakerEncoder
from diarspk.errors import ArgumentError, AudioError
from tse.cue_sources import (
    CUES,
    EnrolmentCue,
    FrameCue,
    LogMelCue,
    MultiLevelCue,
    OneHotCue,
    UtteranceCue,
    make_cue_source,
)
from tse.cues import Cue, Reference, collate_cues
from tse.models.conditioning import ConditioningConfig, CueReader


class TwoNumbers(SpeakerEncoder):
    """Embeds audio as the direction of its mean and its standard deviation."""

    sample_rate, dimension, frame_hop, fingerprint = 16000, 2, 0.1, "two"

    def embed(self, audio, sample_rate=None, spans=None, *, channel=None):  # type: ignore[no-untyped-def]
        assert sample_rate == 16000 and spans is None
        pair = np.array([np.mean(audio), np.std(audio)], np.float32)
        return pair / np.linalg.norm(pair)

    def embed_frames(self, audio, sample_rate=None, *, channel=None):  # type: ignore[no-untyped-def]
        rows = [self.embed(part, 16000) for part in np.array_split(audio, len(audio) // 1600)]
        return FrameEmbeddings(np.stack(rows), 0.1, 0.05)


def voice(seconds: float = 1.0, seed: int = 0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    samples = generator.normal(generator.uniform(-0.1, 0.1), 0.1, round(16000 * seconds))
    return samples.astype(np.float32)


ENCODER = TwoNumbers()


def test_an_utterance_is_the_unit_mean_of_its_references() -> None:
    references = [Reference(voice(seed=1)), Reference(voice(2.0, seed=2))]
    found = UtteranceCue(ENCODER)(references).vector
    mean = sum(ENCODER.embed(one.waveform, 16000) for one in references)
    assert found is not None and found.shape == (1, 2)
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), rtol=1e-5)
    again = UtteranceCue(ENCODER)(references[::-1]).vector
    assert again is not None and torch.allclose(found, again)


def test_sequences_and_enrolments_of_several_references_are_joined() -> None:
    references = [Reference(voice(1.0)), Reference(voice(0.5, seed=3))]
    cue = MultiLevelCue(ENCODER)(references)
    assert cue.vector is not None and cue.sequence is not None and cue.enrolment is not None
    assert cue.sequence.shape == (1, 15, 2)
    assert cue.enrolment.shape == (1, 24000)
    alone = FrameCue(ENCODER)(references[1:]).sequence
    assert torch.equal(cue.sequence[:, 10:], alone)
    assert torch.equal(cue.enrolment, EnrolmentCue()(references).enrolment)


def test_log_mel_features_have_no_channel_of_their_own() -> None:
    found = LogMelCue()([Reference(voice()), Reference(voice(seed=1))]).sequence
    assert found is not None and found.shape == (1, 2 * 98, 80)
    assert found[:, :98].mean(1).abs().max() < 1e-4
    louder = LogMelCue()([Reference(3 * voice())]).sequence
    assert torch.allclose(louder, found[:, :98], atol=1e-3)


def test_a_code_names_a_known_speaker() -> None:
    source = OneHotCue(("anna", "ben"))
    code = source([Reference(voice(), "ben")]).vector
    assert code is not None and code.tolist() == [[0.0, 1.0]]
    for names in (("carl",), ("anna", "ben")):
        with pytest.raises(ArgumentError, match="known speakers"):
            source([Reference(voice(), name) for name in names])


@pytest.mark.parametrize("name", CUES)
def test_sources_are_of_the_size_that_they_promise(name: str) -> None:
    source = make_cue_source(name, ENCODER, ["anna", "ben"])
    cue = source([Reference(voice(), "anna")])
    sizes = [0 if level is None else level.shape[-1] for level in (cue.vector, cue.sequence)]
    assert sizes == [source.vector_size, source.sequence_size]
    assert cue.batch == 1
    with pytest.raises(ArgumentError, match="one recording"):
        source([])


def test_unknown_sources_and_missing_encoders_are_told() -> None:
    with pytest.raises(ArgumentError, match="must be one of"):
        make_cue_source("nonsense", ENCODER)
    with pytest.raises(ArgumentError, match="encoder"):
        make_cue_source("frames")


def test_references_hold_something() -> None:
    with pytest.raises(AudioError, match="silent"):
        Reference(np.zeros(16000, np.float32))
    with pytest.raises(AudioError, match=r"0\.2 s"):
        Reference(voice(0.1))
    with pytest.raises(ArgumentError, match="got none"):
        Cue()


def test_collation_pads_and_remembers_lengths() -> None:
    source = MultiLevelCue(ENCODER)
    cues = [source([Reference(voice(seconds))]) for seconds in (1.0, 0.5)]
    joined = collate_cues([collate_cues(cues), cues[0]])
    assert joined.batch == 3
    assert joined.sequence_frames.tolist() == [10, 5, 10]
    assert joined.enrolment_samples.tolist() == [16000, 8000, 16000]
    assert torch.equal(joined.enrolment[1, :8000], cues[1].enrolment[0])
    assert not joined.enrolment[1, 8000:].any()
    with pytest.raises(ArgumentError, match="same levels"):
        collate_cues([cues[0], Cue(vector=torch.zeros(1, 2))])


def test_a_reader_averages_valid_frames_only() -> None:
    torch.manual_seed(0)
    reader = CueReader(ConditioningConfig(0, 3, 4))
    sequence = torch.randn(1, 6, 3)
    short = reader(Cue(sequence=sequence[:, :4]))
    padded = reader(Cue(sequence=sequence, sequence_frames=torch.tensor([4])))
    assert torch.allclose(short.vector, padded.vector, atol=1e-6)
    assert padded.mask.tolist() == [[True] * 4 + [False] * 2]
    bare = reader(Cue(enrolment=torch.randn(2, 100)))
    assert not bare.vector.any() and bare.sequence.shape == (2, 1, 4)


def test_a_reader_tells_unit_vectors_apart_from_the_start() -> None:
    torch.manual_seed(0)
    reader = CueReader(ConditioningConfig(192, 0, 64))
    cues = torch.nn.functional.normalize(torch.randn(40, 192), dim=-1)
    read = reader(Cue(vector=cues)).vector
    assert torch.allclose(
        reader(Cue(vector=5 * cues)).vector, read, atol=1e-3
    )  # length says nothing
    between = read.std(0).mean() / read.mean(0).abs().mean()
    assert between > 1  # what differs between speakers is not hidden behind biases
