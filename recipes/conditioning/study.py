"""What a synthesiser takes from its cue: encoders, levels of a cue, and a learnt disentanglement.

    python -m recipes.conditioning.study RUN --data ../shared/speech --page PAGE.md

Trains one small decoder for every cue, all alike, and probes each: zero cue, swap, leakage, and how
much of timbre, pitch and energy it takes from the cue. Encoders that cannot be loaded are left
out with a line. The same command again goes on after an interruption.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from diarspk.cli.terminal import say
from diarspk.errors import ArgumentError, DiarspkError
from eval.command_line import Positional, command
from eval.embeddings.embedding_cache import load_system
from eval.embeddings.speech import Utterance
from eval.probes.labels import draw_records, read_records
from eval.probes.vectors import chosen_utterances
from eval.report.run_record import describe_run, write_json
from recipes.conditioning.cue_kinds import SPECTRUM
from recipes.conditioning.study_data import pack_part, read_part
from recipes.conditioning.study_page import write_page
from recipes.conditioning.study_probes import ProbeSettings, probe_decoder
from recipes.conditioning.variants import BudgetSettings, train_variant, variants_of

__all__ = ["main"]

SETTINGS = "study.json"
REPORT = "report.json"


@dataclass(frozen=True)
class Settings:
    budget: BudgetSettings
    probes: ProbeSettings
    run: Positional[Path]
    """Folder of the study."""
    data: Path | None = None
    """Folder of utterances in shards; a new study needs it."""
    encoders: tuple[str, ...] = ("diarspk", "3dspeaker-campplus", "accurate", SPECTRUM)
    """Encoders whose vectors are cues; the levels of a cue are of the first one."""
    speakers: int = 300
    """Speakers of the train split that decoders learn."""
    each: int = 3
    """Utterances of each of them, and of each that is tested."""
    tested: int = 30
    """Speakers of the dev split that decoders are probed on."""
    page: Path | None = None
    """Page of results to write, in Markdown."""

    def __post_init__(self) -> None:
        for name in ("speakers", "each", "tested"):
            if getattr(self, name) < 2:
                raise ArgumentError(f"--{name} must be 2 or more, got {getattr(self, name)}")
        if self.encoders[0] == SPECTRUM:
            raise ArgumentError(
                f"--encoders must begin with one that has frame embeddings, got {SPECTRUM}"
            )


@command
def main(settings: Settings) -> None:
    encoders = _prepare(settings)
    train, test = (read_part(settings.run, split) for split in ("train", "test"))
    for variant in variants_of(encoders, settings.budget):
        folder = settings.run / variant.folder
        if not (folder / REPORT).is_file():
            print(f"cue: {variant.title}", flush=True)
            decoder = train_variant(variant, train, settings.budget, folder)
            found = probe_decoder(decoder, variant, train, test, settings.probes)
            write_json({"variant": asdict(variant), **found}, folder / REPORT)
    if settings.page is not None:
        reports = [
            json.loads((settings.run / variant.folder / REPORT).read_text(encoding="utf-8"))
            for variant in variants_of(encoders, settings.budget)
        ]
        described = json.loads((settings.run / SETTINGS).read_text(encoding="utf-8"))
        write_page(described, reports, settings.page)
        say(f"{settings.page}: {len(reports)} decoders")


def _prepare(settings: Settings) -> list[str]:
    """Pack both parts, unless that is done; the encoders that could be loaded."""
    stored = settings.run / SETTINGS
    if stored.is_file():
        return list(json.loads(stored.read_text(encoding="utf-8"))["encoders"])
    if settings.data is None:
        raise ArgumentError("a new study needs --data")
    parts = {
        "train": _read(settings.data, "train", settings.speakers, settings.each),
        "test": _read(settings.data, "dev", settings.tested, settings.each),
    }
    encoders = _loadable(settings.encoders)
    train = pack_part(parts["train"], encoders)
    test = pack_part(parts["test"], encoders)
    for name, part in zip(parts, train.standardize(test), strict=True):
        part.write(settings.run, name)
    document = {
        **describe_run(),
        "encoders": encoders,
        "speakers": {name: len({one.speaker for one in found}) for name, found in parts.items()},
        "utterances": {name: len(found) for name, found in parts.items()},
        "budget": asdict(settings.budget),
        "probes": asdict(settings.probes),
    }
    write_json(document, stored)
    return encoders


def _read(folder: Path, split: str, speakers: int, each: int) -> list[Utterance]:
    records = read_records(folder, split)
    counts = Counter(one.speaker for one in records)
    several = [one for one in records if counts[one.speaker] >= each]
    drawn = draw_records(several, speakers, each)
    return list(chosen_utterances(folder, split, drawn))


def _loadable(names: tuple[str, ...]) -> list[str]:
    """Names of encoders that are here, the others told.

    Raises
    ------
    DiarspkError
        If the first one is not.
    """
    found: list[str] = []
    for name in names:
        try:
            if name != SPECTRUM:
                load_system(name)
        except (DiarspkError, ImportError) as error:
            if not found:
                raise
            say(f"{name}: left out: {error}")
            continue
        found.append(name)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
