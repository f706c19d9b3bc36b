"""Who speaks in training utterances, of which sex and age: reported, or by a teacher's vectors."""

import numpy as np
import pytest

from recipes.embedded.data.labels import (
    cluster,
    complete_groups,
    merge_alike,
    name_unknown,
    reported_group,
    write_axes,
)
from recipes.embedded.data.speakers import read_groups, read_speakers
from recipes.embedded.data.teacher_targets import read_axes


def scattered(centres, count, spread, seed=0):
    """Unit vectors about each of the centres, one centre's after the other's."""
    generator = np.random.default_rng(seed)
    vectors = np.repeat(centres, count, axis=0)
    vectors = vectors + spread * generator.normal(size=vectors.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_clusters_are_of_alike_vectors():
    labels = cluster(scattered(np.eye(12)[:3], 4, 0.05), 0.5)
    assert len(set(labels)) == 3
    assert (labels.reshape(3, 4) == labels.reshape(3, 4)[:, :1]).all()
    assert cluster(np.eye(4)[:1], 0.5).tolist() == [0]


def test_utterances_of_unknown_speakers_are_clustered_among_themselves():
    vectors = dict(zip("abcdef", scattered(np.eye(12)[[0, 1, 0]], 2, 0.05), strict=True))
    speakers = {"a": "?", "b": "?", "c": "?", "d": "?", "e": "known", "f": "known"}
    named = name_unknown(speakers, vectors)
    assert named["a"] == named["b"] != named["c"] == named["d"]
    assert named["e"] == named["f"] == "known"


def test_clusters_like_a_voice_take_its_name():
    """`px` is the speaker `one`, `py` its own, `pz` like the larger `py`; `two` is like `one`."""
    voices = np.eye(12)
    near = 0.8 * voices[0] + 0.6 * voices[5]
    centres = np.stack([voices[0], near, voices[0], voices[1], voices[1], voices[1]])
    utterances = dict(zip("abcdef", scattered(centres, 1, 0.02), strict=True))
    speakers = dict(zip("abcdef", ("one", "two", "px", "py", "py", "pz"), strict=True))
    merged = merge_alike(speakers, utterances, frozenset({"one", "two"}))
    assert list(merged.values()) == ["one", "two", "one", "py", "py", "py"]


@pytest.mark.parametrize(
    ("gender", "age", "group"),
    [
        ("f", "teens", "woman"),
        ("m", "12", "child"),
        ("", "7", "child"),
        ("m", "13", "man"),
        ("f", "fifties", "older woman"),
        ("m", "forties", "?"),  # Common Voice has another spelling
        ("m", "fourties", "man"),
        ("m", "", "?"),
        ("", "seventies", "?"),
    ],
)
def test_groups_by_report(gender, age, group):
    assert reported_group(gender, age) == group


def test_unreported_groups_are_guessed_from_vectors():
    vectors = scattered(np.eye(12)[:3], 20, 0.2)
    truth = ["child"] * 20 + ["man"] * 20 + ["woman"] * 20
    reported = [group if number % 3 else "?" for number, group in enumerate(truth)]
    assert complete_groups(vectors, reported) == truth
    older = [f"older {group}" if group == "man" else group for group in reported]
    assert complete_groups(vectors, older) == [
        group if group != "?" else whole for group, whole in zip(older, truth, strict=True)
    ]
    assert complete_groups(vectors, ["?", *["man"] * 59]) == ["?", *["man"] * 59]  # no choice


def test_axes_are_the_principal_ones_or_those_given(tmp_path):
    vectors = scattered(np.eye(6)[[0, 0, 1]], 5, 0.1)
    names = [f"{number:02d}" for number in range(len(vectors))]
    recorded = {"utterance": names, "speed": ["recorded"] * len(names), "vector": vectors}
    mean, frames = np.arange(4.0), np.eye(4)[:, :2]
    np.savez(tmp_path / "teacher.npz", **recorded, mean=mean, axes=frames)
    speakers = {name: name for name in names}
    write_axes(tmp_path, speakers, None)
    found = read_axes(tmp_path / "axes.npz")
    power = np.square(vectors @ found.numpy()).sum(0)
    assert (np.diff(power) <= 1e-6).all()
    stored = np.load(tmp_path / "axes.npz")
    np.testing.assert_array_equal(stored["mean"], mean)
    np.testing.assert_array_equal(stored["frames"], frames)
    given = tmp_path / "given.npz"
    np.savez(given, vectors=np.eye(6, dtype=np.float32)[::-1])
    write_axes(tmp_path, speakers, given)
    np.testing.assert_array_equal(read_axes(tmp_path / "axes.npz").numpy(), np.eye(6)[::-1])
    assert read_axes(tmp_path / "none.npz") is None


def test_pseudo_speakers_stand_for_unknown_ones(tmp_path):
    train, extra = tmp_path / "train.tsv", tmp_path / "extra.tsv"
    train.write_text("utterance\tspeaker\tgroup\na\tone\twoman\nb\ttwo\t\n")
    extra.write_text("utterance\tspeaker\tpseudo_speaker\nc\tx\tx\nd\t?\tpx\ne\t?\t?\n")
    assert read_speakers(train, extra) == {"a": "one", "b": "two", "c": "x", "d": "px", "e": "?"}
    assert read_groups(train) == {"one": "woman"}
    assert read_groups(extra) == {}
