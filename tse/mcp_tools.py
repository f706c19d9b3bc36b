"""Tool ``extract`` of ``diarspk mcp``, which finds it by the group of its entry point.

Needs the extra ``mcp`` of diarspk.
"""

from __future__ import annotations

from collections.abc import Callable

from diarspk.errors import ArgumentError
from diarspk.mcp_server import ToolContext
from diarspk.server.thread_warnings import collected_warnings
from tse.enrolled_voice import enroll
from tse.loading import load_extractor
from tse.voice_files import write_enrolled

__all__ = ["extract"]

MAX_ENROLMENT_S = 600.0
SUFFIXES = (".wav", ".flac", ".ogg")


def extract(context: ToolContext) -> Callable[[str, list[str], str], str]:
    """Make the tool."""

    def extract(path: str, enrolment: list[str], output: str) -> str:
        """Write the voice of one person alone to a new file of 16 kHz as long as the recording.

        enrolment lists recordings in which that person speaks alone; output is the path of the new
        file, which must end in .wav, .flac or .ogg.
        """
        target = context.folders.to_write(output)
        if target.suffix.lower() not in SUFFIXES:
            raise ArgumentError(f"{output}: must end in {', '.join(SUFFIXES)}")
        references = [context.open(one, MAX_ENROLMENT_S) for one in enrolment]
        with collected_warnings() as notes:
            extractor = load_extractor()
            cue = enroll(extractor, references)
            write_enrolled(extractor, context.open(path), cue, target)
        return "; ".join([f"written to {target}", *notes])

    return extract
