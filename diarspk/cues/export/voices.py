"""Export of voices: a clip of each speaker with its words, vectors, and a manifest of all."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from safetensors.numpy import save

from diarspk.arguments import check_path, check_type
from diarspk.checkpoints.digest import digest_file
from diarspk.cues.export.drafts import drafts
from diarspk.cues.voice_clip import VoiceClip
from diarspk.errors import ArgumentError, FormatError
from diarspk.file_names import file_stems
from diarspk.formats.names import escape_undecoded

if TYPE_CHECKING:
    from diarspk.encoders.pretrained.qwen3_tts import QwenSpeakerEncoder

__all__ = ["MANIFEST", "SYNTHESIZERS", "VECTORS", "export_voices"]

MANIFEST = "voices.json"
VECTORS = "voices.safetensors"
F5_FILE = "f5-tts.toml"

QWEN_MANIFEST = "custom_voice_manifest.json"
"""What vllm-omni reads in the folder that ``custom_voice_dir`` of its settings names."""

SYNTHESIZERS = {"any": 0.0, "chatterbox": 5.05, "f5-tts": 0.0, "qwen3-tts": 0.0}
"""Synthesizers that an export can be made for, and the least seconds of a clip that each takes."""


def export_voices(
    clips: Mapping[str, VoiceClip],
    folder: str | Path,
    *,
    synthesizer: str = "any",
    model: str | Path | None = None,
) -> dict[str, Any]:
    """Write voices into a folder; its files appear whole or not at all.

    ``LABEL.wav`` and ``LABEL.txt`` are what most synthesizers take: the clip, and what is said in
    it. ``voices.json`` describes all of them, and ``voices.safetensors`` has their vectors by
    label. For F5-TTS there is also ``f5-tts.toml``, its configuration with a voice for each; for
    Qwen3-TTS, where its model is given, ``custom_voice_manifest.json`` and a file of each voice, as
    vllm-omni reads them. Other voices of such a manifest stay.

    Parameters
    ----------
    clips : mapping of str to VoiceClip
        By label, as :func:`diarspk.cues.best_clips` gives them.
    folder : path
        It is made if it does not exist.
    synthesizer : str, default "any"
        Name in :data:`SYNTHESIZERS`.
    model : path, optional
        Folder of a Base model of Qwen3-TTS, whose speaker encoder makes its vectors.

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
    if model is not None and synthesizer != "qwen3-tts":
        raise ArgumentError("`model` goes with `synthesizer` qwen3-tts alone")
    qwen = None
    if model is not None:
        from diarspk.encoders.pretrained.qwen3_tts import load_qwen_speaker_encoder

        qwen = load_qwen_speaker_encoder(check_path(model, "model"))
    stems = file_stems(clips)
    with drafts(target) as made:
        voices = {label: _write_clip(clip, made, stems[label]) for label, clip in clips.items()}
        manifest = {"voices": voices, **_write_vectors(clips, made)}
        if synthesizer == "f5-tts":
            _write_text(made / F5_FILE, _f5_settings(voices))
        if qwen is not None:
            known = _read_qwen_manifest(target / QWEN_MANIFEST, qwen.dimension)
            _write_qwen_voices(clips, qwen, known, made, Path(str(model)).name)
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


def _read_qwen_manifest(file: Path, dimension: int) -> dict[str, Any]:
    """Read the voices that a manifest of vllm-omni has already.

    Raises
    ------
    FormatError
        If it is of another model, or damaged.
    """
    if not file.is_file():
        return {}
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        voices = dict(manifest["voices"])
        told = (manifest["model_type"], manifest.get("hidden_size", dimension))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"no manifest of voices ({error}); move it away", str(file)) from error
    if told != ("qwen3_tts", dimension):
        raise FormatError(
            f"is of {told[0]} with {told[1]} dimensions, not of this model with {dimension}; write "
            "into another folder",
            str(file),
        )
    return voices


def _write_qwen_voices(
    clips: Mapping[str, VoiceClip],
    encoder: QwenSpeakerEncoder,
    known: dict[str, Any],
    folder: Path,
    model: str,
) -> None:
    """Write a vector of each voice and the manifest, as vllm-omni's own tool does."""
    # vllm-omni's names of files, told apart where they would be the same.
    plain = {label: re.sub(r"[^a-zA-Z0-9_.-]+", "_", label.strip()) or "voice" for label in clips}
    taken: set[str] = set()
    voices = dict(known)
    for label, clip in clips.items():
        stem, number = plain[label], 1
        while f"{stem}.safetensors".lower() in {*taken, VECTORS}:
            number += 1
            stem = f"{plain[label]}-{number}"
        file = f"{stem}.safetensors"
        taken.add(file.lower())
        vector = encoder.embed(clip.samples, clip.sample_rate)
        (folder / file).write_bytes(save({"speaker_embedding": vector}))
        voices[label] = {
            "name": label,
            "file": file,
            "mode": "xvec",
            "embedding_dim": encoder.dimension,
            **({"ref_text": clip.text} if clip.words else {}),
        }
    manifest = {
        "schema_version": 1,
        "model_type": "qwen3_tts",
        "model": model,
        "hidden_size": encoder.dimension,
        "voices": voices,
    }
    _write_text(folder / QWEN_MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


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
