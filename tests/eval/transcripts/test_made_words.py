"""Made words, and the rules that they compare."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pyannote.core import Annotation, Segment

from diarspk.transcripts import Transcript, TranscriptSegment, Word
from eval.transcripts.__main__ import disturb, main
from eval.transcripts.made_words import MadeWords, make_words
from eval.transcripts.rules import RULES

REFERENCE = Annotation(uri="call")
for _track, (_start, _end, _label) in enumerate(
    [(0, 8, "Ann"), (7, 12, "Ben"), (14, 15, "Ann"), (15, 30, "Ben")]
):
    REFERENCE[Segment(_start, _end), _track] = _label


def test_made_words_fill_the_turns_of_their_speakers_and_no_other_time() -> None:
    spoken, recognised = make_words(REFERENCE, MadeWords(), 0)
    for label in REFERENCE.labels():
        turns = REFERENCE.label_timeline(label).support()
        words = [word for word in spoken.words if word.speaker == label]
        assert sum((word.end or 0) - (word.start or 0) for word in words) == pytest.approx(
            turns.duration()
        )
        assert all(
            any(turn.start <= (word.start or 0) <= turn.end for turn in turns) for word in words
        )
    overlapped = [word for word in spoken.words if word.alternatives]
    assert all(6.5 < (word.start or 0) < 8 for word in overlapped)
    assert {word.speaker for word in overlapped} == {"Ann", "Ben"}
    assert [word.text for word in spoken.words] == [word.text for word in recognised.words]
    assert all(word.speaker is None for word in recognised.words)


def test_the_seed_alone_decides() -> None:
    assert make_words(REFERENCE, MadeWords(), 3) == make_words(REFERENCE, MadeWords(), 3)
    assert make_words(REFERENCE, MadeWords(), 3) != make_words(REFERENCE, MadeWords(), 4)


def test_the_faults_come_as_often_as_the_rule_says() -> None:
    exact = MadeWords(jitter_s=0, stretched=0, untimed=0)
    spoken, recognised = make_words(REFERENCE, exact, 0)
    assert [(w.start, w.end) for w in spoken.words] == [(w.start, w.end) for w in recognised.words]
    _, recognised = make_words(REFERENCE, MadeWords(untimed=1), 0)
    assert all(word.start is None for word in recognised.words)
    _, recognised = make_words(REFERENCE, MadeWords(stretched=1, jitter_s=0, untimed=0), 0)
    assert sum((w.end or 0) - (w.start or 0) > 1 for w in recognised.words) >= 4


def test_the_rules_of_others_are_as_their_sources_have_them() -> None:
    diarization = Annotation()
    diarization[Segment(0, 10), 0] = "Ann"
    diarization[Segment(13, 14), 1] = "Ben"
    words = (
        Word("inside", 1, 2),
        Word("near", 10.5, 11),  # nearer to Ann's end, but to Ben's middle
        Word("both", 9.5, 15),
        Word("none"),
    )
    transcript = Transcript((TranscriptSegment(words, 1, 11),))
    found = {name: rule(transcript, diarization) for name, rule in RULES.items()}
    assert found["one speaker for each segment"] == ["Ann"] * 4
    assert found["middle of the word"] == ["Ann", "Ben", "Ben", None]
    assert found["largest overlap, else nobody"] == ["Ann", None, "Ben", None]
    assert found["largest overlap, else nearest middle"] == ["Ann", "Ben", "Ben", None]
    assert found["diarspk"] == ["Ann", "Ann", "Ann", "Ben"]


def test_disturbed_boundaries_move_and_turns_stay_positive() -> None:
    moved = disturb(REFERENCE, 0)
    assert moved.labels() == REFERENCE.labels()
    assert moved != REFERENCE
    assert all(segment.duration > 0 for segment in moved.itersegments())


@pytest.mark.filterwarnings("ignore::diarspk.errors.SpeechWarning")
def test_the_command_prints_a_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("meeteval")
    folder = tmp_path / "set"
    folder.mkdir()
    noise = np.random.default_rng(0).standard_normal(16000 * 3).astype(np.float32) * 1e-3
    soundfile.write(folder / "call.wav", noise, 16000)
    (folder / "call.rttm").write_text(
        "SPEAKER call 1 0 1.5 <NA> <NA> Ann <NA> <NA>\n"
        "SPEAKER call 1 1.5 1.5 <NA> <NA> Ben <NA> <NA>\n"
    )
    (folder / "call.uem").write_text("call 1 0 3\n")
    report = tmp_path / "figures.json"
    assert main(["--data", str(folder), "--seeds", "0", "--json", str(report)]) == 0
    printed = capsys.readouterr().out
    assert all(f"| {rule} " in printed for rule in RULES)
    figures = json.loads(report.read_text())["sets"]["set"]
    worst = figures["one speaker for each segment, reference"]["wder"]
    assert figures["diarspk, reference"]["wder"] < 0.1 < worst
    assert figures["diarspk, diarspk"]["wder"] == 1.0  # noise has no speakers
