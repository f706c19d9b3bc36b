"""``diarspk gallery`` with a tiny encoder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import Result

from diarspk import load_encoder
from diarspk.cli.terminal import warnings_on_one_line
from diarspk.embeddings.space import Space
from diarspk.verification.alignment import LinearAlignment, write_alignment
from diarspk.verification.gallery import opening

Run = Callable[..., Result]
Voices = dict[str, list[Path]]


def test_known_and_unknown_voices(run: Run, people: Path, voices: Voices, tiny: Path) -> None:
    options = ["-g", people, "--encoder", tiny]
    result = run("gallery", "identify", *(takes[2] for takes in voices.values()), *options)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[1] for row in rows] == ["ann", "ben", "unknown"]
    assert all(float(row[2]) > 0.9 for row in rows)
    as_json = run("gallery", "identify", voices["ann"][2], *options, "--json")
    record = json.loads(as_json.stdout)
    assert (record["speaker"], record["candidates"][0]["speaker"]) == ("ann", "ann")


def test_search_list_and_remove(run: Run, people: Path, voices: Voices, tiny: Path) -> None:
    options = ["-g", people, "--encoder", tiny, "--limit", "2"]
    lines = run("gallery", "search", voices["ben"][2], *options).stdout.splitlines()
    found = {tuple(line.split("\t")[2:]) for line in lines}
    assert found == {("ben", str(file)) for file in voices["ben"][:2]}
    listed = run("gallery", "list", "-g", people)
    assert [line.split()[:2] for line in listed.stdout.splitlines()[1:]] == [
        ["ann", "2"],
        ["ben", "2"],
    ]
    assert f"fingerprint {load_encoder(tiny).fingerprint}" in listed.stderr
    removed = run("gallery", "remove", "ann", "nobody", "-g", people)
    assert (removed.exit_code, removed.stdout) == (1, "ann\t2\n")
    assert "nobody is called 'nobody'" in removed.stderr
    (line,) = run("gallery", "list", "-g", people, "--json").stdout.splitlines()
    assert json.loads(line)["speaker"] == "ben"


def test_a_gallery_of_another_encoder_is_refused(
    run: Run, people: Path, voices: Voices, tiny: Path, other: Path
) -> None:
    prints = [load_encoder(card).fingerprint for card in (tiny, other)]
    for command in (
        ["gallery", "enroll", "eve", voices["eve"][0]],
        ["gallery", "identify", voices["ann"][2]],
        ["gallery", "search", voices["ann"][2]],
    ):
        result = run(*command, "-g", people, "--encoder", other)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"fingerprint {prints[0]}, got one of {prints[1]}" in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_faults_are_named(
    run: Run, tmp_path: Path, people: Path, voices: Voices, tiny: Path
) -> None:
    missing = run("gallery", "list", "-g", tmp_path / "none")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)
    assert "no gallery" in missing.stderr
    options = ["-g", people, "--encoder", tiny]
    partly = run("gallery", "enroll", "eve", "missing.wav", voices["eve"][0], *options)
    assert (partly.exit_code, partly.stdout) == (1, f"eve\t{voices['eve'][0]}\n")
    assert "missing.wav" in partly.stderr
    named = run("gallery", "enroll", "SPEAKER_01", voices["eve"][0], *options)
    assert (named.exit_code, named.stdout) == (1, "")


@pytest.mark.parametrize("name", ["unknown", "a\tb", "\udcff", ""])
def test_names_that_cannot_be_told_apart_are_refused(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path, name: str
) -> None:
    result = run(
        "gallery", "enroll", name, voices["ann"][0], "-g", tmp_path / "g", "--encoder", tiny
    )
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert not (tmp_path / "g").exists()


def test_a_name_in_two_spellings_is_one_person(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    options = ["-g", tmp_path / "g", "--encoder", tiny]
    for take, name in enumerate(("Zo\u00eb", "Zoe\u0308")):
        result = run("gallery", "enroll", name, voices["ann"][take], *options)
        assert result.stdout.split("\t")[0] == "Zo\u00eb"
    (line,) = run("gallery", "list", "-g", tmp_path / "g", "--json").stdout.splitlines()
    assert (json.loads(line)["speaker"], json.loads(line)["references"]) == ("Zo\u00eb", 2)


def test_a_gallery_that_another_process_makes_meanwhile_is_used(
    run: Run, people: Path, voices: Voices, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def has_gallery(folder: Path) -> bool:
        seen.append(True)
        return len(seen) > 1 and (folder / opening.FILE_NAME).is_file()

    monkeypatch.setattr(opening, "has_gallery", has_gallery)
    result = run("gallery", "enroll", "eve", voices["eve"][0], "-g", people, "--encoder", tiny)
    assert (result.exit_code, result.stdout) == (0, f"eve\t{voices['eve'][0]}\n")
    names = run("gallery", "list", "-g", people).stdout.splitlines()[1:]
    assert [line.split()[0] for line in names] == ["ann", "ben", "eve"]


def test_a_failed_enrolment_leaves_no_gallery(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, *arguments: object, **options: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("diarspk.verification.gallery.repeats.insert_row", fail)
    options = ["-g", tmp_path / "a" / "g", "--encoder", tiny]
    result = run("gallery", "enroll", "ann", voices["ann"][0], *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert "disk is full" in result.stderr
    assert not (tmp_path / "a").exists()


def test_a_recording_of_somebody_else_is_warned_about(
    run: Run, tmp_path: Path, voices: Voices, tiny: Path
) -> None:
    options = ["-g", tmp_path / "new", "--encoder", tiny]
    result = run("gallery", "enroll", "ann", *voices["ann"], voices["eve"][0], *options)
    assert result.stderr == f"warning: {voices['eve'][0]}: does not sound like the others\n"


def test_a_recording_counts_once(
    run: Run, tmp_path: Path, people: Path, voices: Voices, tiny: Path
) -> None:
    copy = tmp_path / "copy.flac"
    soundfile.write(copy, *soundfile.read(voices["ann"][0]))
    options = ["-g", people, "--encoder", tiny]
    with warnings_on_one_line():
        result = run("gallery", "enroll", "ann", copy, *2 * voices["ann"][2:], *options)
    assert (result.exit_code, result.stdout) == (0, f"ann\t{copy}\nann\t{voices['ann'][2]}\n")
    again = "ann has this recording already"
    assert result.stderr.splitlines() == [
        f"warning: {copy}: {again}, from {voices['ann'][0]}; it is not counted again",
        f"warning: {voices['ann'][2]}: {again}; it is not counted again",
    ]
    listed = run("gallery", "list", "-g", people, "--json").stdout.splitlines()
    assert json.loads(listed[0])["references"] == 3


def test_a_recording_in_which_nobody_talks_is_refused(run: Run, tmp_path: Path) -> None:
    noise = 0.05 * np.random.default_rng(0).normal(size=32000)
    for name, samples in (("silence.wav", 0 * noise), ("noise.wav", noise)):
        soundfile.write(tmp_path / name, samples, 16000)
        result = run("gallery", "enroll", "ann", tmp_path / name, "-g", tmp_path / "g")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            f"error: {tmp_path / name}: no speech was found in 2.0 s; give a recording in which "
            "the person talks\n"
        )
    assert not (tmp_path / "g").exists()


def test_a_gallery_moves_to_another_encoder(
    run: Run, tmp_path: Path, people: Path, tiny: Path
) -> None:
    encoder = load_encoder(tiny)
    rows = np.random.default_rng(0).normal(size=(20, encoder.dimension))
    here = Space(encoder.fingerprint, encoder.dimension)
    made = LinearAlignment(here, Space("next", 3), toward="runtime")
    write_alignment(made.fit(rows, rows[:, :3]), tmp_path / "map.json")
    moved = run("gallery", "migrate", tmp_path / "map.json", "-g", people)
    assert (moved.exit_code, moved.stdout) == (0, "")
    assert "fingerprint next, dimension 3" in moved.stderr
    again = run("gallery", "migrate", tmp_path / "map.json", "-g", people)
    assert again.exit_code == 0  # `next` is the side that stays as it is
