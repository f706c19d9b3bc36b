"""``diarspk export-voice``: the best clip of every speaker, for synthesis by example."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import diarspk
from diarspk.cli.diarized_voice import check_label, read_diarization
from diarspk.cli.json_text import json_text
from diarspk.cli.options import AsJson, Channel, Device, Encoder, Raw, Track
from diarspk.cli.recordings import Reader
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    from pyannote.core import Annotation

    from diarspk.audio import AudioStream
    from diarspk.cues import VoiceClip

__all__ = ["export_voice"]

POOR = 0.15
"""Score below which a clip is told to be poor: 0.2 and more in quiet meetings."""

STRANGE = 0.3
"""Cosine with the rest of the speaker's speech below which another voice may be in a clip."""


class Synthesizer(str, Enum):
    """Synthesizer of exported voices; see :data:`diarspk.cues.export.SYNTHESIZERS`."""

    ANY = "any"
    CHATTERBOX = "chatterbox"
    F5_TTS = "f5-tts"
    QWEN3_TTS = "qwen3-tts"


def export_voice(
    recording: Annotated[Path, typer.Argument(metavar="AUDIO", help="Recording.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Folder for the voices; it is made."),
    ] = Path("voices"),
    speakers: Annotated[
        list[str] | None,
        typer.Option(
            "--speaker", metavar="LABEL", help="Label of a speaker, once or more. Default: all."
        ),
    ] = None,
    diarization: Annotated[
        Path | None,
        typer.Option(
            metavar="RTTM",
            help="Who speaks when: RTTM, or JSON of `diarize`. Default: it is diarized, with "
            "defaults.",
        ),
    ] = None,
    transcript: Annotated[
        Path | None,
        typer.Option(
            metavar="WORDS",
            help="Transcript with times (JSON of a recogniser, SRT, VTT, CTM, STM): clips are cut "
            "between words, and their text is written beside them.",
        ),
    ] = None,
    synthesizer: Annotated[
        Synthesizer,
        typer.Option("--for", help="Synthesizer: its least length, and its own files beside."),
    ] = Synthesizer.ANY,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --for qwen3-tts: folder of its Base model, to write the voices that "
            "vllm-omni serves by name.",
        ),
    ] = None,
    min_seconds: Annotated[
        float, typer.Option(help="Least length of a clip; for chatterbox at least 5.05.")
    ] = 3.0,
    max_seconds: Annotated[float, typer.Option(help="Greatest length of a clip.")] = 10.0,
    as_json: AsJson = False,
    channel: Channel = None,
    track: Track = None,
    raw: Raw = None,
    encoder: Encoder = None,
    device: Device = "auto",
) -> None:
    """Export the best clip of every speaker with its words, which most synthesizers take.

    Writes LABEL.wav and LABEL.txt, voices.json and voices.safetensors into a folder. Prints label,
    file, start, end, score from 0 to 1, and text, one line each.
    """
    if model is not None and synthesizer is not Synthesizer.QWEN3_TTS:
        raise typer.BadParameter("--model goes with --for qwen3-tts")
    reader = Reader.of([recording], channel=channel, track=track, raw=raw)
    with exit_on_error():
        from diarspk.cues import ClipConfig, best_clips
        from diarspk.cues.export import SYNTHESIZERS, export_voices

        least = max(min_seconds, SYNTHESIZERS[synthesizer.value])
        config = ClipConfig(min_s=least, max_s=max_seconds)
        stream = reader.open(recording)  # once: a pipe gives its bytes once
        annotation, loaded = _diarize(stream, diarization, encoder, device)
        for speaker in speakers or ():
            check_label(annotation, speaker, diarization or recording)
        clips = best_clips(
            stream,
            annotation,
            transcript=transcript,
            speakers=speakers or None,
            encoder=loaded,
            config=config,
        )
        missing = [one for one in speakers or annotation.labels() if one not in clips]
        for label in missing:
            kind = "error" if speakers or not clips else "warning"
            say(
                f"{kind}: {recording}: {label} never talks alone for {least:g} s without a long "
                "pause, so there is no clip; --min-seconds allows shorter ones"
            )
        if not annotation.labels():
            say(f"error: {recording}: no speech was found, so there is no voice to export")
        if clips:
            manifest = export_voices(clips, output, synthesizer=synthesizer.value, model=model)
            _warn(recording, clips)
            _print(manifest["voices"], output, as_json)
        if not clips or (speakers and missing):
            raise typer.Exit(1)


def _diarize(
    stream: AudioStream,
    diarization: Path | None,
    encoder: str | None,
    device: str,
) -> tuple[Annotation, diarspk.SpeakerEncoder]:
    """Who speaks when, from a file or by the diarizer, and the encoder."""
    if diarization is not None:
        annotation = read_diarization(diarization, stream)
        return annotation, diarspk.load_encoder(encoder, device=device)
    from diarspk.diarization.diarizer import EMBEDDED

    diarizer = diarspk.Diarizer.load(encoder or EMBEDDED, device=device)
    return diarizer(stream).annotation, diarizer.encoder


def _warn(recording: Path, clips: Mapping[str, VoiceClip]) -> None:
    """Tell what makes a clip doubtful."""
    for label, clip in clips.items():
        score = clip.score
        if score.similarity is not None and score.similarity < STRANGE:
            say(
                f"warning: {recording}: the clip of {label} does not sound like the rest of that "
                f"speaker (cosine {score.similarity:.2f}); check the diarization"
            )
        elif score.value < POOR:
            worst = min(score.factors, key=lambda name: score.factors[name])
            say(
                f"warning: {recording}: the best clip of {label} is poor (score {score.value:.2f}, "
                f"most of all for its {worst}, {score.factors[worst]:.2f})"
            )
        if any(word.estimated for word in clip.words):
            say(
                f"warning: {recording}: times of words in the clip of {label} are estimates; check "
                "its text"
            )


def _print(voices: Mapping[str, Mapping[str, Any]], folder: Path, as_json: bool) -> None:
    for label, entry in voices.items():
        file = folder / entry["file"]
        if as_json:
            print(json_text({"speaker": label, **entry, "file": str(file)}))
        else:
            text = " ".join((entry["text"] or "").split())
            place = f"{entry['start']:.2f}\t{entry['end']:.2f}\t{entry['score']:.2f}"
            print(f"{label}\t{file}\t{place}\t{text}")
