"""The recipe on a miniature corpus in LibriSpeech's and LibriMix's layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarspk import load_encoder
from diarspk.errors import FormatError
from recipes.extraction.data import read_voices
from recipes.extraction.prepare import write_pieces
from recipes.extraction.vectors import embed_voices
from recipes.libri2mix import evaluate
from recipes.libri2mix.evaluate import draw_enrolments, read_enrolments, read_metadata, trials
from recipes.libri2mix.prepare import list_utterances, read_noise, read_pieces
from tests.tiny_model import write_tiny_model
from tse.loading import write_extractor
from tse.models import BandSplitConfig, build_network
from tse.models.conditioning import ConditioningConfig

RATE = 16000


def write(path: Path, seed: int, seconds: float = 1.0) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = 0.1 * np.random.default_rng(seed).normal(size=round(seconds * RATE))
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    return soundfile.read(path, dtype="float32")[0]


def test_utterances_are_packed_by_speaker(tmp_path: Path) -> None:
    names = ["19-198-0000", "19-198-0001", "26-495-0000"]
    for seed, name in enumerate(names):
        speaker, chapter, _ = name.split("-")
        write(tmp_path / "part" / speaker / chapter / f"{name}.flac", seed, 6.5 if seed == 2 else 1)
    files = list_utterances(tmp_path / "part")
    write_pieces(read_pieces(files), tmp_path / "packed")
    embed_voices(tmp_path / "packed", (), workers=0)
    voices = read_voices(tmp_path / "packed")
    assert voices.speaker == ["19", "19", "26", "26"]
    assert voices.samples.tolist() == [16000, 16000, 52000, 52000]
    assert voices.vectors is not None and voices.vectors.shape == (4, 192)
    with pytest.raises(FormatError, match="LibriSpeech"):
        list_utterances(tmp_path / "nothing")


def test_noise_is_read_or_made(tmp_path: Path) -> None:
    write(tmp_path / "n.wav", 0)
    generator = np.random.default_rng(0)
    assert [name for name, _, _ in read_noise(tmp_path, generator)] == ["n"]
    assert next(read_noise(None, generator))[2].dtype == np.int16


@pytest.fixture
def metadata(tmp_path: Path) -> Path:
    lines = ["mixture_ID,mixture_path,source_1_path,source_2_path,length"]
    for index, (one, two) in enumerate([("19-1-0", "26-1-0"), ("19-1-1", "32-1-0")]):
        name, paths = f"{one}_{two}", []
        sources = []
        for number, utterance in enumerate((one, two)):
            paths.append(tmp_path / f"s{number + 1}" / f"{name}.wav")
            sources.append(write(paths[-1], 10 * index + number))
            assert utterance in name
        mixed = tmp_path / "mix_clean" / f"{name}.wav"
        mixed.parent.mkdir(exist_ok=True)
        soundfile.write(mixed, np.sum(sources, axis=0), RATE, subtype="FLOAT")
        lines.append(",".join([name, str(mixed), *map(str, paths), "16000"]))
    file = tmp_path / "mixture_test_mix_clean.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_each_speaker_is_enrolled_by_another_utterance(metadata: Path) -> None:
    rows = read_metadata(metadata)
    enrolments = draw_enrolments(rows, seed=0)
    assert set(enrolments) == {("19-1-0_26-1-0", "19-1-0"), ("19-1-1_32-1-0", "19-1-1")}
    assert enrolments["19-1-0_26-1-0", "19-1-0"] == rows[1].sources[0]
    found = list(trials(rows, enrolments))
    assert [trial.speaker for trial in found] == ["19", "19"]
    for trial in found:
        assert np.abs(trial.made.noise).max() < 1e-4  # the sum of both speakers and no more
        np.testing.assert_allclose(
            trial.made.mixture, trial.made.target + trial.made.interferers[0], atol=1e-4
        )


def test_an_extractor_of_any_encoder_is_scored(
    metadata: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The encoder is found where it is now; another one may judge whose voice an output is."""
    (tmp_path / "moved").mkdir()
    encoder, judge = write_tiny_model(tmp_path / "moved"), write_tiny_model(tmp_path, seed=1)
    small = {"channels": 8, "hidden": 8, "bottleneck": 8, "mask_hidden": 8, "blocks": 1}
    config = BandSplitConfig(conditioning=ConditioningConfig(8), spectral_map=False, **small)
    write_extractor(
        tmp_path / "small.json",
        build_network(config),
        "utterance",
        encoder=load_encoder(encoder),
        encoder_name="gone.json",
    )
    words = ["--metadata", str(metadata), "--extractor", str(tmp_path / "small.json")]
    words += ["--judge", str(judge), "--json", str(tmp_path / "found.json")]
    assert evaluate.main(words) == 1
    assert "needs the speaker encoder gone.json" in capsys.readouterr().err
    assert evaluate.main([*words, "--encoder", str(encoder)]) == 0
    assert "mixture_test_mix_clean" in capsys.readouterr().out
    assert json.loads((tmp_path / "found.json").read_text())["run"]["summary"]["mixtures"] == 2


def test_enrolments_of_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "enrolments.txt"
    file.write_text("19-1-0_26-1-0 19-1-0 s1/a.wav\n")
    assert read_enrolments(file) == {("19-1-0_26-1-0", "19-1-0"): Path("s1/a.wav")}


def test_other_tables_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(FormatError, match="mixture_ID"):
        read_metadata(file)
    head = b"mixture_ID,mixture_path,source_1_path,source_2_path\n"
    for content in (b"RIFF\xe8\xff", head + b"a,b.wav\n"):
        file.write_bytes(content)
        with pytest.raises(FormatError, match=r"other\.csv: is no table"):
            read_metadata(file)
