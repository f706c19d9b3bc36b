"""Groups of speakers: trials within them, calibrations on them, and whom they show mistaken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diarspk.checkpoints.checkpoint import read_checkpoint
from diarspk.embeddings.space import Space
from diarspk.encoders.loading import DEFAULT
from diarspk.errors import FormatError, ModelError
from diarspk.verification.scoring import load_scorer
from eval.embeddings.embedding_cache import EmbeddedSplit
from eval.verification import groups
from eval.verification.calibration import fit_scorings
from eval.verification.group_trials import make_trials
from eval.verification.speaker_groups import age_range, choose_utterances, read_facts
from tests.paths import ROOT

HEADER = "utterance\tspeaker\tcorpus\tgender\tage\n"


def table(path: Path, people: int = 8, each: int = 4) -> Path:
    rows = [
        f"u{n}-{k}\ts{n}\tcv\t{'fm'[n % 2]}\t{('9', 'thirties')[n % 3 == 0]}\n"
        for n in range(people)
        for k in range(each)
    ]
    path.write_text(HEADER + "".join(rows) + "alone\ts99\tcv\tf\t\nnobody\ts98\tcv\t\t\n")
    return path


def test_facts_about_utterances(tmp_path: Path) -> None:
    facts = read_facts(table(tmp_path / "dev.tsv"))
    assert facts["u0-0"].sex_group == "cv, women"
    assert facts["u0-0"].age_group == "cv, women, adults"
    assert facts["u1-3"].age_group == "cv, men, children"
    assert facts["nobody"].sex_group == facts["alone"].age_group == ""
    assert [age_range(age) for age in ("12", "13", "19", "20", "teens", "sixties")] == [
        *("children", "teens", "teens", "adults", "teens", "adults")
    ]
    with pytest.raises(FormatError, match="no such file"):
        read_facts(tmp_path / "train.tsv")
    (tmp_path / "x.tsv").write_text("utterance\tspeaker\na\tb\n")
    with pytest.raises(FormatError, match="has no column 'corpus'"):
        read_facts(tmp_path / "x.tsv")


def test_no_group_has_more_speakers_than_wanted(tmp_path: Path) -> None:
    facts = read_facts(table(tmp_path / "dev.tsv"))
    chosen = choose_utterances(facts, speakers=2, utterances=3)
    assert "alone" not in chosen and "nobody" not in chosen
    for group in ("cv, women", "cv, men"):
        own = [name for name, of in chosen.items() if of == group]
        assert len(own) == 6 and len({facts[name].speaker for name in own}) == 2
    assert chosen == choose_utterances(facts, speakers=2, utterances=3)


def test_trials_are_within_groups_which_count_the_same() -> None:
    speakers = ["a", "a", "b", "b", "c", "c", "d", "d", "d"]
    utterances = [str(n) for n in range(8)] + ["7"]  # the last two are of one utterance
    made = make_trials(speakers, utterances, ["x"] * 4 + ["y"] * 5)
    pairs = list(zip(made.first.tolist(), made.second.tolist(), made.labels.tolist(), strict=True))
    assert pairs[:2] == [(0, 1, True), (2, 3, True)]
    assert (7, 8, True) not in pairs and (0, 4, False) not in pairs
    assert all((first < 4) == (second < 4) for first, second, _ in pairs)
    for side in (made.first < 4, made.first >= 4):
        for kind in (made.labels, ~made.labels):
            assert made.weights[side & kind].sum() == pytest.approx(1)
    assert len(make_trials(speakers, utterances, ["x"] * 9, others=3).labels) == 5 + 3
    with pytest.raises(ModelError, match="no group has pairs"):
        make_trials(["a", "a"], ["0", "1"], ["x", "x"])


def fingerprint() -> str:
    return read_checkpoint(ROOT / "diarspk" / "assets" / f"{DEFAULT}.json").fingerprint


def people(count: int, each: int) -> EmbeddedSplit:
    random = np.random.default_rng(0)
    rows = np.repeat(random.normal(size=(count, 192)), each, axis=0)
    rows += 0.9 * random.normal(size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    names = tuple(f"u{n}-{k}" for n in range(count) for k in range(each))
    speakers = tuple(name.split("-")[0].replace("u", "s") for name in names)
    space = Space(fingerprint(), 192, "diarspk")
    return EmbeddedSplit(space, rows.astype(np.float32), names, speakers, np.ones(len(rows)))


def test_every_scoring_of_the_space_is_fitted() -> None:
    split = people(8, 4)
    made = make_trials(split.speakers, split.names, ["x"] * 32)
    fitted = fit_scorings(fingerprint(), split.vectors, split.speakers, made, "toys")
    assert [one.scoring for one in fitted] == ["cohort", "cosine", "plda"]
    assert {one.calibration.fitted_on for one in fitted} == {"toys"}
    assert list(fitted[0].calibration.quality) == ["cohort_mean"]
    assert all(one.equal_error_rate < 0.1 for one in fitted)
    assert [
        one.scoring for one in fit_scorings("none", split.vectors, split.speakers, made, "")
    ] == ["cosine"]


def test_the_command_shows_every_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table(tmp_path / "dev.tsv", people=8, each=4)
    monkeypatch.setattr(groups, "embed_split", lambda *_, **__: people(8, 4))
    assert groups.main(["--data", str(tmp_path), "--json", str(tmp_path / "g.json")]) == 0
    printed = capsys.readouterr().out
    assert "cosine: miss %" in printed and "plda: miss %" in printed
    (row,) = [line for line in printed.splitlines() if "cv, women " in line and "(" not in line]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["24", "96"]
    split = people(8, 4)
    women = [n for n, name in enumerate(split.names) if int(name[1]) % 2 == 0]
    first, second = (np.array(women)[side] for side in np.triu_indices(16, k=1))
    other = np.array(
        [split.speakers[a] != split.speakers[b] for a, b in zip(first, second, strict=True)]
    )
    ratios = load_scorer(fingerprint(), "cohort").log_likelihood_ratios(
        split.vectors[first[other]], split.vectors[second[other]]
    )
    assert cells[6] == f"{100 * (ratios >= 0).mean():.1f}"
