"""The command that writes simulated conversations, on a data folder of a few seconds."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from diarspk.errors import FormatError
from eval.diarization.conversations import read_collections, read_conversations
from eval.simulate import voices, writing
from eval.simulate.__main__ import main
from eval.simulate.settings import SimulationConfig
from eval.simulate.voices import read_voices

RATE = 16000
RTTM = "".join(
    f"SPEAKER meeting 1 {start} 3.5 <NA> <NA> {name} <NA> <NA>\n"
    for start, name in ((0.0, "x"), (3.0, "y"), (7.0, "x"), (10.0, "y"))
)


class LoudChunks:
    """In the place of the detector: speech is what is loud."""

    def __call__(self, chunks: Iterable[np.ndarray]) -> np.ndarray:
        return np.array([float(np.abs(chunk).max() > 0.01) for chunk in chunks], np.float32)


@pytest.fixture(autouse=True)
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voices, "SileroNetwork", LoudChunks)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three speakers of eleven seconds, one of two, and one of another corpus."""
    root = tmp_path / "data"
    (root / "speech").mkdir(parents=True)
    rows = [
        ("anna", "read"),
        ("ben", "read"),
        ("carl", "read"),
        ("words", "arabic-speech-commands"),
    ]
    lines = ["utterance\tspeaker\tcorpus\tshard"]
    generator = np.random.default_rng(0)
    with tarfile.open(root / "speech" / "dev-00.tar", "w") as archive:
        for speaker, corpus in [*rows, ("short", "read")]:
            speech = 0.1 * generator.normal(size=(2 if speaker == "short" else 11) * RATE)
            waveform = np.concatenate([np.zeros(RATE // 2), speech, np.zeros(RATE // 2)])
            encoded = io.BytesIO()
            soundfile.write(encoded, waveform, RATE, format="FLAC")
            member = tarfile.TarInfo(f"{speaker}-1.opus")
            member.size = encoded.seek(0, io.SEEK_END)
            encoded.seek(0)
            archive.addfile(member, encoded)
            lines.append(f"{speaker}-1\t{speaker}\t{corpus}\tdev-00.tar")
    (root / "speech" / "dev.tsv").write_text("\n".join(lines) + "\n")
    templates = root / "conversations" / "annotations" / "talk" / "dev"
    templates.mkdir(parents=True)
    (templates / "meeting.rttm").write_text(RTTM)
    noise = root / "noise" / "noise"
    noise.mkdir(parents=True)
    hiss = 0.1 * generator.normal(size=4 * RATE)
    soundfile.write(noise / "hiss.opus", hiss, RATE, format="OGG", subtype="OPUS")
    return root


def run(data: Path, output: Path, *changes: str, conversations: int = 2) -> int:
    arguments = ["--data", str(data), "--output", str(output), "--templates", "talk-dev"]
    arguments += ["--seconds", "10", "--rooms", "0", "--alone", "0"]
    arguments += ["--conversations", str(conversations)]
    return main([*arguments, *changes])


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.name != writing.DESCRIPTION
    }


def test_writes_what_the_benchmark_reads(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, tmp_path / "set") == 0
    found = read_conversations(tmp_path / "set")
    assert [one.name for one in found] == ["dev-000", "dev-001"]
    for one in found:
        samples, rate = soundfile.read(one.audio, dtype="int16")
        assert (samples.shape, rate, one.duration) == ((10 * RATE,), RATE, 10.0)
        assert soundfile.info(one.audio).subtype == "PCM_16"
        assert -20.01 < 20 * np.log10(np.abs(samples.astype(int)).max() / 32767) < -0.99
        assert len(one.reference.labels()) == 2
        assert set(one.reference.labels()) < {"anna", "ben", "carl"}
        assert one.reference.get_timeline().extent().end <= 10.0
    captured = capsys.readouterr()
    assert "| set | " in captured.out and not captured.err  # no bar, for this is no terminal
    described = json.loads((tmp_path / "set" / writing.DESCRIPTION).read_text())
    assert (described["seed"], described["conversations"]) == (1, 2)
    assert described["settings"]["seconds"] == 10 and described["versions"]["numpy"]
    assert described["command"].startswith("python -m")


def test_further_references_lie_beside_the_conversations(data: Path, tmp_path: Path) -> None:
    loose = data / "conversations" / "annotations" / "manual" / "dev"
    loose.mkdir(parents=True)
    (loose / "meeting.rttm").write_text(RTTM.replace(" 3.5 ", " 3.9 "))
    assert run(data, tmp_path / "set", "--references", "manual-dev") == 0
    (found,) = read_collections([tmp_path / "set"], ["manual-dev"]).values()
    for one in found:
        tight, wide = one.references["own"], one.references["manual-dev"]
        assert set(tight.labels()) == set(wide.labels())
        assert sum(seconds for _, seconds in wide.chart()) > sum(
            seconds for _, seconds in tight.chart()
        )
    assert run(data, tmp_path / "set", "--references", "manual-dev") == 0  # nothing is due
    assert run(data, tmp_path / "set") == 1  # another set


def test_same_bytes_and_more_conversations_keep_the_first(data: Path, tmp_path: Path) -> None:
    assert run(data, tmp_path / "one", conversations=2) == 0
    assert run(data, tmp_path / "two", conversations=4) == 0
    first, more = files(tmp_path / "one"), files(tmp_path / "two")
    assert len(first) == 6 and len(more) == 12
    assert first.items() < more.items()
    assert run(data, tmp_path / "one", conversations=4) == 0  # goes on
    assert files(tmp_path / "one") == more
    assert run(data, tmp_path / "one", conversations=1) == 0
    assert files(tmp_path / "one") == more
    described = json.loads((tmp_path / "one" / writing.DESCRIPTION).read_text())
    assert described["conversations"] == 4


def test_an_interruption_leaves_nothing_half_written(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(data, tmp_path / "whole") == 0

    def stop(path: Path, *arguments: object, **options: object) -> None:
        path.write_bytes(b"fLaC")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(writing.soundfile, "write", stop)
        assert run(data, tmp_path / "set") == 130
    assert set(files(tmp_path / "set")) == {"dev-000.rttm", "dev-000.uem"}
    assert run(data, tmp_path / "set") == 0
    assert files(tmp_path / "set") == files(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (["--templates", "talk-train"], "`templates` must be among talk-dev of .*'talk-train'"),
        (["--split", "train"], r"train\.tsv: no such file"),
        (["--seconds", "14"], "`seconds` must be at most 13.5, the longest of talk-dev, got 14"),
        (["--alone", "1"], "`templates` must have stretches of 10 s with one speaker"),
        (["--rooms", "2"], "`room_probability` must be in"),
        (["--conversations", "0"], "`conversations` must be 1 or more, got 0"),
        (["--seed", "-1"], "`seed` must be 0 or more, got -1"),
    ],
)
def test_faults_are_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], fault: str
) -> None:
    assert run(data, tmp_path / "set", *changes) == 1
    captured = capsys.readouterr()
    assert not captured.out
    (line,) = captured.err.splitlines()
    assert re.search(fault, line)
    assert not (tmp_path / "set").exists() or not files(tmp_path / "set")


def test_other_sets_are_not_mixed_into_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, tmp_path / "set") == 0
    before = files(tmp_path / "set")
    assert run(data, tmp_path / "set", "--seed", "2") == 1
    assert "one of the same seed and settings" in capsys.readouterr().err
    (tmp_path / "set" / writing.DESCRIPTION).unlink()
    assert run(data, tmp_path / "set") == 1
    assert "holds other recordings" in capsys.readouterr().err
    assert files(tmp_path / "set") == before


def test_voices_of_isolated_words_and_of_a_few_seconds_are_left_out(data: Path) -> None:
    found = read_voices(data / "speech", "dev", SimulationConfig())
    assert set(found) == {"anna", "ben", "carl"}
    ((speech,),) = [found["anna"]]
    assert len(speech) == pytest.approx(11 * RATE, abs=1024)  # without the silence around it
    with pytest.raises(FormatError, match="has no speaker with 60 s of speech"):
        read_voices(data / "speech", "dev", SimulationConfig(least_voice_s=60.0))
