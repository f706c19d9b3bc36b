"""From recordings to voices: extractors, blocks, meetings, checkpoints and the command."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment
from typer.testing import CliRunner, Result

import diarspk
import tse
from diarspk.cli import app
from diarspk.cues.speaker_cue import SpeakerCue
from diarspk.encoders.loading import DEFAULT as ENCODER
from diarspk.errors import ArgumentError, AudioError, DiarspkWarning, ModelError, SpeechWarning
from eval.embeddings.speech import read_utterances
from eval.extraction.evaluation import evaluate
from eval.extraction.mixtures import CONDITIONS, Trial, draw_trials
from tests.full_disk import content_of, limited_files
from tests.paths import SHARED
from tse.enrolment import EnrolmentConfig, collect, single_speaker_turns
from tse.loading import load_extractor, write_extractor
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig
from tse.streaming import BlockConfig, extract_blocks

RATE = 16000
SMALL = BandSplitConfig(
    channels=4, hidden=4, bottleneck=4, mask_hidden=4, blocks=1, conditioning=ConditioningConfig()
)


unfit = pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
"""For tests whose voices are noise, of which an enrolment warns."""


def voice(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Noise that comes and goes as syllables do."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 3 * time)
    return (0.1 * envelope * generator.normal(size=len(time))).astype(np.float32)


def describe(reference: NDArray[np.float32], fingerprint: str | None = None) -> SpeakerCue:
    """What `extract_cue` finds, but for the prosody, which is not read here."""
    encoder = diarspk.load_encoder()
    space = encoder.space
    return SpeakerCue(
        timbre=encoder.embed(reference, RATE),
        frames=encoder.embed_frames(reference, RATE),
        prosody=None,  # type: ignore[arg-type]
        space=space if fingerprint is None else replace(space, fingerprint=fingerprint),
        duration=len(reference) / RATE,
    )


def write_small(folder: Path, *, causal: bool = False, fingerprint: bool = True) -> Path:
    torch.manual_seed(0)
    config = BandSplitConfig(**{**vars(SMALL), "causal": causal})
    card = folder / "small.json"
    encoder = diarspk.load_encoder()
    if not fingerprint:
        encoder._fingerprint = "another"
    write_extractor(
        card, build_network(config), "utterance+map", encoder=encoder, encoder_name=ENCODER
    )
    return card


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("extractor"))


def test_public_names() -> None:
    values = {"Cue", "Detection", "Extractor", "Reference", "SpeakerTrack", "TrackConfig"}
    values |= {"LiveDetection", "StreamingExtractor"}
    functions = {"detect", "extract", "extract_speakers", "load_extractor"}
    assert set(tse.__all__) == values | functions
    assert all(getattr(tse, name) is not None for name in tse.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        tse.nonsense  # noqa: B018


def test_values_print_as_a_person_reads_them(card: Path) -> None:
    extractor = load_extractor(card)
    assert repr(extractor) == f"Extractor({extractor.fingerprint!r}, MultiLevelCue, 1 pass)"
    assert repr(tse.Reference(voice(2.0), "alice")) == "Reference('alice', 2.0 s)"
    cue = extractor.cue(voice(2.0), RATE)
    assert repr(cue) == "Cue(batch of 1: vector (192,), enrolment 2.0 s)"


@unfit
def test_an_array_is_as_long_as_it_was_at_its_own_rate(card: Path) -> None:
    extractor = load_extractor(card)
    reference = voice(2.0, 1)
    found = tse.extract(voice(1.5), enrolment=reference, sample_rate=RATE, extractor=extractor)
    assert found.shape == (24000,) and found.dtype == np.float32
    other = tse.extract(
        np.repeat(voice(1.0), 3)[:47999],
        enrolment=reference,
        sample_rate=48000,
        enrolment_sample_rate=RATE,
        extractor=extractor,
    )
    assert other.shape == (47999,) and other.dtype == np.float32


def test_a_cue_is_whatever_describes_the_speaker(card: Path) -> None:
    extractor, mixture, reference = load_extractor(card), voice(1.0), voice(2.0, 1)
    encoder = diarspk.load_encoder()
    whole = extractor(mixture, extractor.cue(reference, RATE))
    np.testing.assert_array_equal(whole, extractor(mixture, reference))
    vector = extractor(mixture, encoder.embed(reference, RATE))
    described = describe(reference)
    np.testing.assert_allclose(extractor(mixture, described), vector, atol=1e-6)
    assert not np.allclose(whole, vector, atol=1e-6)  # a vector alone has no spectral map
    several = extractor.cue([reference, voice(1.0, 2)], RATE)
    assert several.enrolment is not None and several.enrolment.shape == (1, 48000)


def test_passes_are_averaged_over_frames_that_begin_later(card: Path) -> None:
    once, mixture = load_extractor(card), voice(1.0)
    cue, hop = once.cue(voice(2.0, 1), RATE), SMALL.hop_samples
    assert once.passes == 1
    late = once(np.concatenate([np.zeros(hop // 2, np.float32), mixture]), cue)[hop // 2 :]
    mean = (once(mixture, cue) + late) / 2
    np.testing.assert_allclose(replace(once, passes=2)(mixture, cue), mean, atol=1e-7)
    assert not np.allclose(late, mean, atol=1e-6)
    with pytest.raises(ArgumentError, match="`passes` must be a whole number from 1, got 0"):
        replace(once, passes=0)


def test_a_card_holds_the_settings_of_the_ensemble(tmp_path: Path) -> None:
    torch.manual_seed(0)
    notes: dict[str, object] = {"passes": 3, "verified": True}
    config = replace(SMALL, conditioning=ConditioningConfig(0), causal=False)
    write_extractor(tmp_path / "three.json", build_network(config), "enrolment", notes=notes)
    without_encoder = load_extractor(tmp_path / "three.json")
    assert (without_encoder.passes, without_encoder.verifier) == (3, None)
    write_extractor(
        tmp_path / "verified.json",
        build_network(SMALL),
        "utterance+map",
        encoder=diarspk.load_encoder(),
        encoder_name=ENCODER,
        notes=notes,
    )
    extractor = load_extractor(tmp_path / "verified.json")
    assert extractor.verifier is not None
    assert extractor.verifier.fingerprint == extractor.space
    mixture, reference = voice(2.0), voice(2.0, 1)
    unverified = replace(extractor, verifier=None)(mixture, reference)
    assert not np.allclose(extractor(mixture, reference), unverified, atol=1e-6)
    with pytest.raises(ArgumentError, match="`verifier` must be the encoder of the cue, none here"):
        replace(without_encoder, verifier=extractor.verifier)


def test_a_cue_of_another_encoder_is_refused(card: Path) -> None:
    extractor = load_extractor(card)
    with pytest.raises(ModelError, match="another"):
        extractor(voice(1.0), describe(voice(2.0), fingerprint="another"))


@unfit
def test_silence_and_useless_enrolments_have_defined_results(card: Path) -> None:
    extractor = load_extractor(card)
    nothing, enrolment = np.zeros(8000, np.float32), voice(1.0)
    with pytest.warns(SpeechWarning, match="what was extracted is silent"):
        silence = tse.extract(nothing, enrolment=enrolment, sample_rate=RATE, extractor=extractor)
    np.testing.assert_array_equal(silence, np.zeros(8000))
    with pytest.raises(AudioError, match="silent"):
        extractor(voice(1.0), np.zeros(16000, np.float32))
    with pytest.raises(AudioError, match=r"0\.2 s"):
        extractor(voice(1.0), voice(0.1))
    with pytest.raises(ArgumentError, match="sample_rate"):
        tse.extract(voice(1.0), enrolment=voice(1.0), extractor=extractor)


@pytest.mark.parametrize("causal", [False, True])
def test_long_audio_goes_through_in_blocks(tmp_path: Path, causal: bool) -> None:
    extractor = load_extractor(write_small(tmp_path, causal=causal))
    cue, mixture = extractor.cue(voice(2.0), RATE), voice(4.0, 3)
    chunks = np.array_split(mixture, 7)
    blocks = extractor.extract_blocks(chunks, [cue, cue], BlockConfig(2.0, 0.5))
    joined = np.concatenate(list(blocks), axis=1)
    assert joined.shape == (2, 64000)
    np.testing.assert_array_equal(joined[0], joined[1])
    if causal:  # the state goes on, so blocks change nothing
        with torch.inference_mode():
            whole = extractor.network(torch.from_numpy(mixture)[None], cue)[0].numpy()
        np.testing.assert_allclose(joined[0], whole, atol=1e-5)


@given(cuts=st.lists(st.integers(0, 30000), max_size=5), rest=st.integers(1, 60000))
@settings(deadline=None, max_examples=25)
def test_blocks_of_what_changes_nothing_change_nothing(cuts: list[int], rest: int) -> None:
    waveform = np.random.default_rng(0).normal(size=sum(cuts) + rest).astype(np.float32)
    chunks = np.split(waveform, np.cumsum(cuts))
    lengths = []

    def unchanged(block: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        np.testing.assert_array_equal(block, waveform[position : position + len(block)])
        lengths.append(len(block))
        return block[None]

    found = list(extract_blocks(chunks, unchanged, BlockConfig(1.0, 0.25)))
    np.testing.assert_allclose(np.concatenate(found, axis=1)[0], waveform, atol=1e-6)
    assert max(lengths) <= 16000


def test_blocks_must_be_longer_than_their_overlap() -> None:
    with pytest.raises(ArgumentError, match="half"):
        BlockConfig(1.0, 0.6)


def test_a_checkpoint_gives_back_the_same_extractor(card: Path) -> None:
    first, second = load_extractor(card), load_extractor(card.with_suffix(".safetensors"))
    assert len(first.fingerprint) == 16 and first.fingerprint == second.fingerprint
    assert first.space == diarspk.load_encoder().fingerprint
    assert not first.causal and first.sample_rate == RATE
    np.testing.assert_array_equal(first(voice(1.0), voice(1.0)), second(voice(1.0), voice(1.0)))


def test_loading_tells_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"known extractor .*path of a card"):
        load_extractor("nonsense")
    assets = Path(diarspk.__file__).parent / "assets"
    with pytest.raises(ModelError, match="not an extractor's card"):
        load_extractor(assets / f"{ENCODER}.json")
    with pytest.raises(ModelError, match="another"):
        load_extractor(write_small(tmp_path, fingerprint=False))


def test_an_encoder_that_was_trained_along_is_a_space_of_its_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = diarspk.load_encoder()
    encoder.network.utterance.whitening.matrix.neg_()
    config = replace(SMALL, spectral_map=False)
    card = tmp_path / "joint.json"
    write_extractor(
        card, build_network(config), "utterance", encoder=encoder, encoder_name=ENCODER, joint=True
    )
    extractor = load_extractor(card)
    cue = extractor.cue(voice(2.0), RATE)
    assert cue.vector is not None
    plain = diarspk.load_encoder().embed(voice(2.0), RATE)
    np.testing.assert_allclose(cue.vector[0], -plain, atol=2e-3)
    with pytest.raises(ModelError, match="extract the cue anew"):
        extractor(voice(1.0), describe(voice(2.0)))


SPEECH = SHARED / "speech"


@unfit
@pytest.mark.skipif(not SPEECH.is_dir(), reason="the shared speech is not here")
def test_the_embedded_extractor_finds_the_enrolled_voice() -> None:
    utterances = list(islice(read_utterances(SPEECH, "dev"), 150))
    trials = list(draw_trials(utterances, CONDITIONS["clean-2"], count=12, seed=3, seconds=3.0))
    extractor = load_extractor()

    def extract(trial: Trial) -> NDArray[np.float32]:
        return tse.extract(
            trial.made.mixture, enrolment=trial.enrolment, sample_rate=RATE, extractor=extractor
        )

    run = evaluate(trials, extract, condition="clean-2", enrolment_s=5.0, encoder=None)
    assert run.summary.improvement_db > 1.5


@unfit
def test_the_embedded_extractor_is_small_and_runs() -> None:
    extractor = load_extractor()
    found = tse.extract(voice(2.0), enrolment=voice(3.0, 1), sample_rate=RATE)
    assert found.shape == (32000,) and np.isfinite(found).all()
    assert 2 * sum(p.numel() for p in extractor.network.parameters()) <= 12e6


def test_without_weights_loading_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tse.loading.asset_folder", lambda package: tmp_path)
    with pytest.raises(ModelError, match="without its weights"):
        load_extractor()


def meeting() -> Annotation:
    annotation = Annotation(uri="meeting")
    turns = [(0, 4, "A"), (3, 5, "B"), (6, 7, "B"), (8, 8.5, "C")]
    for track, (start, end, name) in enumerate(turns):
        annotation[Segment(start, end), track] = name
    return annotation


def test_single_speaker_turns_come_by_falling_length() -> None:
    turns = single_speaker_turns(meeting(), "B")
    assert [(round(t.start, 3), round(t.end, 3)) for t in turns] == [(4.1, 4.9), (6.1, 6.9)]
    short = single_speaker_turns(meeting(), "A", EnrolmentConfig(candidates_s=1.0))
    assert [(t.start, round(t.end, 3)) for t in short] == [(0.1, 1.1)]
    parts = single_speaker_turns(meeting(), "A", EnrolmentConfig(max_turn_s=1.0))
    assert [round(t.duration, 3) for t in parts] == [0.933] * 3
    with pytest.warns(DiarspkWarning, match="alone for less"):
        assert single_speaker_turns(meeting(), "C") == [Segment(8, 8.5)]
    with pytest.raises(ArgumentError, match="must be one of"):
        single_speaker_turns(meeting(), "D")


def test_collecting_does_not_depend_on_blocks() -> None:
    waveform = voice(9.0)
    turns = {"A": single_speaker_turns(meeting(), "A"), "B": single_speaker_turns(meeting(), "B")}
    whole = collect([waveform], turns)
    parts = collect(np.array_split(waveform, 13), turns)
    assert [len(part) for part in whole["B"]] == [round(0.8 * RATE)] * 2
    for name in turns:
        for one, other, turn in zip(whole[name], parts[name], turns[name], strict=True):
            np.testing.assert_array_equal(one, other)
            first = round(turn.start * RATE)
            np.testing.assert_array_equal(one, waveform[first : first + len(one)])
    with pytest.raises(AudioError, match="no turn lies within"):
        collect([waveform[:1000]], {"B": turns["B"]})


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "meeting.wav"
    soundfile.write(file, voice(9.0), RATE)
    soundfile.write(tmp_path / "me.wav", voice(3.0, 1), RATE)
    with (tmp_path / "meeting.rttm").open("w") as stream:
        for turn, _, name in meeting().itertracks(yield_label=True):
            stream.write(
                f"SPEAKER meeting 1 {turn.start} {turn.duration} <NA> <NA> {name} <NA> <NA>\n"
            )
    return file


def run(*arguments: object) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiarspkWarning)
        return CliRunner().invoke(app, ["extract", *map(str, arguments)])


def test_command_with_an_enrolment(recording: Path, card: Path) -> None:
    output = recording.with_name("only.wav")
    enrolment = recording.with_name("me.wav")
    done = run(recording, "--enroll", enrolment, "-o", output, "--extractor", card)
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    info = soundfile.info(output)
    assert (info.samplerate, info.channels, info.frames) == (RATE, 1, 9 * RATE)


def test_command_with_a_diarization(recording: Path, card: Path) -> None:
    rttm, tracks = recording.with_suffix(".rttm"), recording.with_name("tracks")
    options = ["--diarization", rttm, "--extractor", card]
    assert run(recording, *options, "--all", "-o", tracks).exit_code == 0
    names = ["A.wav", "B.wav", "C.wav", "tracks.json"]
    assert sorted(file.name for file in tracks.iterdir()) == names
    alone = recording.with_name("B.flac")
    assert run(recording, *options, "--speaker", "B", "-o", alone).exit_code == 0
    gated, _ = soundfile.read(alone)
    assert gated[4 * RATE : 5 * RATE].any() and not gated[: 2 * RATE].any()
    assert run(recording, *options, "--speaker", "B", "--no-gate", "-o", alone).exit_code == 0
    assert soundfile.read(alone)[0][: 2 * RATE].any()
    words = [recording, *options, "--speaker", "B", "--mask", "20", "-o", alone]
    assert run(*words).exit_code == 0
    whole = soundfile.read(recording)[0]
    np.testing.assert_allclose(soundfile.read(alone)[0][:RATE], 0.1 * whole[:RATE], atol=1e-4)
    silent = [recording, "--enroll", recording.with_name("me.wav"), "--mask", "0", "-o", alone]
    assert run(*silent, "--extractor", card).exit_code == 0
    np.testing.assert_allclose(soundfile.read(alone)[0], whole, atol=1e-4)


def test_speakers_whose_names_make_one_file_name_have_a_file_each(
    recording: Path, card: Path
) -> None:
    rttm, tracks = recording.with_name("clash.rttm"), recording.with_name("clash")
    turns = (("A/B", 0.0), ("A_B", 4.0))
    line = "SPEAKER meeting 1 {} 3.0 <NA> <NA> {} <NA> <NA>\n"
    rttm.write_text("".join(line.format(start, name) for name, start in turns))
    done = run(recording, "--diarization", rttm, "--all", "-o", tracks, "--extractor", card)
    assert (done.exit_code, done.stderr) == (0, "")
    assert sorted(file.name for file in tracks.iterdir()) == ["A_B-2.wav", "A_B.wav", "tracks.json"]
    first, second = (soundfile.read(file)[0] for file in sorted(tracks.glob("*.wav")))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    recording: Path, card: Path, suffix: str
) -> None:
    output = recording.with_name(f"only.{suffix}")
    words = [recording, "--enroll", recording.with_name("me.wav"), "-o", output]
    assert run(*words, "--extractor", card).exit_code == 0
    size = output.stat().st_size
    before = content_of(recording.parent)
    for limit in (0, size // 2, size - 1):
        with limited_files(limit):
            full = run(*words, "--extractor", card)
        assert (full.exit_code, full.stdout) == (1, "")
        assert full.stderr == (
            f"error: {output}: cannot be written; see that the folder is writable and has room\n"
        )
        assert content_of(recording.parent) == before


def test_command_failures_leave_nothing(recording: Path, card: Path) -> None:
    rttm, output = recording.with_suffix(".rttm"), recording.with_name("only.wav")
    to_file = ["-o", output, "--extractor", card]
    unknown = run(recording, "--diarization", rttm, "--speaker", "Z", *to_file)
    assert (unknown.exit_code, len(unknown.stderr.splitlines())) == (1, 1)
    missing = run(recording, "--enroll", "missing.wav", *to_file)
    assert missing.exit_code == 1 and "missing.wav" in missing.stderr
    assert not output.exists() and not list(recording.parent.glob("*.part"))


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "a.wav"],
        ["-o", "a.wav", "--all", "--speaker", "A"],
        ["-o", "a.wav", "--enroll", "b.wav", "--gate"],
        ["-o", "a.xyz", "--enroll", "b.wav"],
        ["--enroll", "b.wav"],
    ],
)
def test_senseless_options_are_usage_errors(recording: Path, options: list[str]) -> None:
    assert run(recording, *options).exit_code == 2
