"""Export of voices: a clip of each speaker with its words, vectors, and a manifest of all."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from safetensors.numpy import save

from diarspk.arguments import check_path, check_type
from diarspk.checkpoints.digest import digest_file
from diarspk.cues.export.drafts import drafts
from diarspk.cues.voice_clip import VoiceClip
from diarspk.errors import ArgumentError
from diarspk.file_names import file_stems
from diarspk.formats.names import escape_undecoded

__all__ = ["MANIFEST", "SYNTHESIZERS", "VECTORS", "export_voices"]

MANIFEST = "voices.json"
VECTORS = "voices.safetensors"
F5_FILE = "f5-tts.toml"

SYNTHESIZERS = {"any": 0.0, "chatterbox": 5.05, "f5-tts": 0.0}
"""Synthesizers that an export can be made for, and the least seconds of a clip that each takes."""


def export_voices(
    clips: Mapping[str, VoiceClip], folder: str | Path, *, synthesizer: str = "any"
) -> dict[str, Any]:
    """Write voices into a folder; its files appear whole or not at all.

    ``LABEL.wav`` and ``LABEL.txt`` are what most synthesizers take: the clip, and what is said in
    it. ``voices.json`` describes all of them, and ``voices.safetensors`` has their vectors by
    label. For F5-TTS there is also ``f5-tts.toml``, its configuration with a voice for each.

    Parameters
    ----------
    clips : mapping of str to VoiceClip
        By label, as :func:`diarspk.cues.best_clips` gives them.
    folder : path
        It is made if it does not exist.
    synthesizer : str, default "any"
        Name in :data:`SYNTHESIZERS`.

    Returns
    -------
    dict
        Content of ``voices.json``.

    Raises
    ------
    ArgumentError
        If there is no clip, the synthesizer is unknown, or a clip is too short for it.
    """
    check_type(clips, "clips", Mapping)
    target = Path(check_path(folder, "folder"))
    if not isinstance(synthesizer, str) or synthesizer not in SYNTHESIZERS:
        raise ArgumentError(
            f"`synthesizer` must be among {', '.join(SYNTHESIZERS)}, got {synthesizer!r}"
        )
    if not clips:
        raise ArgumentError("`clips` must hold a clip, got none")
    for label, clip in clips.items():
        check_type(clip, f"clips[{label!r}]", VoiceClip)
        if clip.end - clip.start < SYNTHESIZERS[synthesizer]:
            raise ArgumentError(
                f"`clips` must be of {SYNTHESIZERS[synthesizer]:g} s or more for {synthesizer}, "
                f"got {clip.end - clip.start:.2f} s of {label}"
            )
    stems = file_stems(clips)
    with drafts(target) as made:
        voices = {label: _write_clip(clip, made, stems[label]) for label, clip in clips.items()}
        manifest = {"voices": voices, **_write_vectors(clips, made)}
        if synthesizer == "f5-tts":
            _write_text(made / F5_FILE, _f5_settings(voices))
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        _write_text(made / MANIFEST, text + "\n")
    return manifest


def _write_clip(clip: VoiceClip, folder: Path, stem: str) -> dict[str, Any]:
    """Write a clip and its words; what the manifest says of them."""
    sound = folder / f"{stem}.wav"
    content = io.BytesIO()  # libsndfile tells a full disk as a fault of its own
    samples = np.clip(clip.samples, -1.0, 1.0)
    soundfile.write(content, samples, clip.sample_rate, subtype="PCM_16", format="WAV")
    sound.write_bytes(content.getvalue())
    entry: dict[str, Any] = {"file": sound.name, "sha256": digest_file(sound), "text": None}
    if clip.words:
        _write_text(folder / f"{stem}.txt", clip.text + "\n")
        entry |= {"text": clip.text, "text_file": f"{stem}.txt"}
        entry["estimated_times"] = any(word.estimated for word in clip.words)
    return entry | {
        "recording": escape_undecoded(clip.recording),  # files of text hold it
        "start": round(clip.start, 3),
        "end": round(clip.end, 3),
        "sample_rate": clip.sample_rate,
        "score": round(clip.score.value, 4),
        "factors": {name: round(value, 4) for name, value in clip.score.factors.items()},
        "measures": {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(clip.score).items()
        },
    }


def _write_vectors(clips: Mapping[str, VoiceClip], folder: Path) -> dict[str, Any]:
    """Write the vectors by label; what the manifest says of them, nothing if there are none."""
    vectors = {
        label: np.ascontiguousarray(clip.vector, np.float32)
        for label, clip in clips.items()
        if clip.vector is not None
    }
    spaces = {clip.space for clip in clips.values() if clip.space is not None}
    if not vectors or len(spaces) != 1:
        return {}
    (space,) = spaces
    (folder / VECTORS).write_bytes(save(vectors, {"fingerprint": space.fingerprint}))
    return {"vectors": {"file": VECTORS, "space": asdict(space)}}


def _f5_settings(voices: Mapping[str, dict[str, Any]]) -> str:
    """Make settings of ``f5-tts_infer-cli -c``, to be run in the folder: a voice for each label.

    A text changes the voice by its name in brackets, which are letters, digits and ``_``.
    """
    names: dict[str, str] = {}
    for label in voices:
        plain = re.sub(r"\W", "_", label)
        name, number = plain, 1
        while name in (*names.values(), "main"):
            number += 1
            name = f"{plain}_{number}"
        names[label] = name
    first = next(iter(voices))
    lines = ['model = "F5TTS_v1_Base"', *_f5_voice(voices[first]), 'gen_text = ""', 'gen_file = ""']
    for label, entry in voices.items():
        lines += ["", f"[voices.{_quoted(names[label])}]", *_f5_voice(entry)]
    return "\n".join(lines) + "\n"


def _f5_voice(entry: Mapping[str, Any]) -> list[str]:
    # Without a text F5-TTS transcribes the clip itself.
    text = " ".join((entry["text"] or "").split())
    return [f"ref_audio = {_quoted(entry['file'])}", f"ref_text = {_quoted(text)}"]


def _quoted(text: str) -> str:
    """Quote as a basic string of TOML, which JSON's is but for DEL."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
