r"""Boundaries of turns, tight and loose, against references of both kinds.

    python -m eval.diarization.boundaries --references mfa only_words ami-dev \
        --data ../shared/conversations/ami ../shared/conversations/simulated FOLDER

All variants read the same passes over the recordings. FOLDER may be what ``eval.simulate
--templates ami-mfa-dev --references ami-dev`` has written: one sound with two references.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diarspk.diarization.config import DiarizerConfig
from diarspk.diarization.reconstruction import ReconstructionConfig
from eval.command_line import command
from eval.diarization.first_passes import FirstPassSettings
from eval.diarization.variants import Variant, VariantResult, measure, report
from eval.report.run_record import JsonReport

__all__ = ["VARIANTS", "main"]

EVERY_PAUSE = DiarizerConfig(reconstruction=ReconstructionConfig(pause_probability=0.0))

VARIANTS = (
    Variant("pauses up to 0.4 s, all of them", EVERY_PAUSE),
    Variant("tight, the default"),
    Variant("loose", DiarizerConfig(boundaries="loose")),
    Variant("tight, one speaker at a time", overlap=False),
    Variant("loose, one speaker at a time", DiarizerConfig(boundaries="loose"), overlap=False),
)
"""The first is what the default was until pauses had a probability."""


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    passes: FirstPassSettings
    references: tuple[str, ...] = ()
    """Score against FOLDER/references/NAME as well, where a folder has it."""


@command
def main(settings: Settings) -> None:
    report(list(_run(settings)), settings.report)


def _run(settings: Settings) -> Iterator[VariantResult]:
    diarizer = settings.passes.load()
    for folder in settings.passes.data:
        passes = list(settings.passes.run(folder, diarizer, settings.references))
        for variant in VARIANTS:
            yield from measure(folder.name, passes, variant)


if __name__ == "__main__":
    raise SystemExit(main())
