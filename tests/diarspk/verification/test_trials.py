from __future__ import annotations

import io

import numpy as np
import pytest

from diarspk.errors import ArgumentError, FormatError
from diarspk.verification.trials import Trial, cosine_scores, read_trials, score_trials


def test_both_formats_say_the_same() -> None:
    voxceleb = io.StringIO("1 a/x.wav b/y.wav\n\n0 a/x.wav c.wav\n")
    kaldi = io.StringIO("a/x.wav b/y.wav target\na/x.wav c.wav nontarget\n")
    expected = [Trial("a/x.wav", "b/y.wav", True), Trial("a/x.wav", "c.wav", False)]
    assert read_trials(voxceleb) == read_trials(kaldi) == expected


@pytest.mark.parametrize("line", ["1 a.wav", "a b same", "2 a b", "1 a b c"])
def test_a_faulty_line_is_named(line: str) -> None:
    stream = io.StringIO(f"1 a b\n{line}\n")
    stream.name = "trials.txt"
    with pytest.raises(FormatError, match=r"trials.txt:2: a trial must be"):
        read_trials(stream)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(FormatError, match="no trial"):
        read_trials(io.StringIO(""))


def test_cosines_by_hand_and_free_of_norm() -> None:
    left, right = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[4.0, 3.0], [0.0, 2.0]])
    np.testing.assert_allclose(cosine_scores(left, right), [0.96, 0.0])
    np.testing.assert_allclose(cosine_scores(7 * left, right), cosine_scores(left, right))


def test_trials_are_scored_in_order() -> None:
    embeddings = {name: np.array(v, np.float32) for name, v in {"a": (1, 0), "b": (0, 1)}.items()}
    trials = [Trial("a", "b", False), Trial("a", "a", True)]
    scores, labels = score_trials(trials, embeddings)
    np.testing.assert_allclose(scores, [0, 1])
    assert labels.tolist() == [False, True]
    distance, _ = score_trials(trials, embeddings, lambda x, y: -np.abs(x - y).sum(1))
    np.testing.assert_allclose(distance, [-2, 0])


def test_a_name_without_embedding() -> None:
    with pytest.raises(ArgumentError, match="'b'"):
        score_trials([Trial("a", "b", True)], {"a": np.ones(2, np.float32)})
