r"""Compare diarspk with other projects: measured here in one run, and as they publish it.

    python -m eval.diarization.comparison --data ../shared/conversations/simulated \
        ../shared/conversations/ami --references mfa only_words --write

The others run in environments of their own, made on first use (:mod:`eval.systems.environments`).
``--write`` replaces ``eval/results/comparison.md``; the published figures are in
``published.csv`` beside this file.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyannote.core import Segment, Timeline

from diarspk.audio import SAMPLE_RATE, load_audio
from diarspk.errors import FormatError
from diarspk.formats import read_rttm
from diarspk.formats.names import plain_name
from eval.command_line import command
from eval.diarization.benchmark import run_diarizer, score_hypothesis, summarize
from eval.diarization.conversation import Conversation
from eval.diarization.conversations import read_collections
from eval.diarization.published import PublishedFigure, format_published, read_published
from eval.diarization.result_cache import Hypothesis
from eval.diarization.results import Outcome, Summary
from eval.report.markdown import markdown_table
from eval.report.run_record import JsonReport, describe_run, write_text
from eval.systems.peer_diarizer import PeerDiarizer
from eval.systems.registry import Diarize, load_diarizer

__all__ = ["compare", "find_demo", "format_comparison", "main", "read_demo"]

RESULT = Path(__file__).parents[1] / "results" / "comparison.md"
SYSTEMS = ("diarspk", "baseline", "senko")
DEMO = "demo call"

TITLES = {
    "baseline": "Silero VAD 6.2.3 + Resemblyzer 0.1.4 + spectralcluster 0.2.22",
    "senko": "Senko 0.2.2",
}

HEADER = (
    *("set", "reference", "system", "DER %", "miss %", "false alarm %", "confusion %"),
    *("speakers right", "real-time factor", "times ours"),
)

NOTES = """\
Strict DER: collar 0, overlap scored, pooled by duration, only what the UEM names. Figures against
different references of one recording do not compare. `own` is the reference that lies beside the
recordings; that of the AMI excerpts counts pauses and laughter as speech, and a perfect answer by
forced alignment (`mfa`) has a DER of 30.5 % against it. Speakers right: recordings with the number
of speakers that the reference names.

diarspk's settings were chosen on the simulated conversations and the AMI excerpts, which flatters
its rows. The others run at their defaults: Senko as released, on the CPU (Silero VAD, CAM++,
spectral clustering for recordings under 20 minutes); Silero VAD, Resemblyzer and spectralcluster
(turn-to-diarize) put together as their documentation shows. Both name one speaker at a time. Half a
minute is short for Senko, which makes one speaker of fewer than ten windows of speech."""

PUBLISHED_NOTES = """\
Not measured here, and on other recordings than those above: they compare among themselves only,
and only under the same reference."""


def compare(
    collections: Mapping[str, Sequence[Conversation]],
    diarizers: Mapping[str, Diarize],
    *,
    rounds: int = 1,
) -> Iterator[Outcome]:
    """Run every system on every recording; an outcome for each reference of it.

    The systems take turns on each recording, so that a load that comes and goes meets all of
    them. The time of a recording is that of the fastest round. Each system has run on one recording
    before, unmeasured: what a first call imports and compiles is no cost of a recording.
    """
    for diarize in diarizers.values():
        run_diarizer(diarize, next(iter(collections.values()))[0].audio)
    for collection, conversations in collections.items():
        for conversation in conversations:
            runs: dict[str, list[Hypothesis]] = {system: [] for system in diarizers}
            for _ in range(rounds):
                for system, diarize in diarizers.items():
                    runs[system].append(run_diarizer(diarize, conversation.audio))
            for system, found in runs.items():
                fastest = min(found, key=lambda one: one.processing)
                yield from score_hypothesis(system, collection, conversation, fastest)


def read_demo(audio: Path) -> Conversation:
    """Read the recording of the demo with the reference beside it; the whole of it is scored.

    Raises
    ------
    FormatError
        If the reference is missing or is of another recording.
    """
    path = audio.with_suffix(".rttm")
    references = read_rttm(path)
    name = plain_name(audio.stem)
    if name not in references:
        raise FormatError(f"has no turn of `{name}`", str(path))
    duration = len(load_audio(audio)) / SAMPLE_RATE
    return Conversation(audio, references[name], Timeline([Segment(0, duration)]))


def find_demo() -> Path | None:
    """Find the recording in pyannote.audio's wheel, without importing it; None without it."""
    found = importlib.util.find_spec("pyannote.audio")
    places = [] if found is None else found.submodule_search_locations or []
    paths = [Path(place) / "sample" / "sample.wav" for place in places]
    return next((path for path in paths if path.exists()), None)


def format_measured(summaries: Sequence[Summary]) -> str:
    """Markdown: rows of one set and reference are neighbours, ours first."""
    ours = {
        (one.collection, one.reference): one.processing for one in reversed(summaries)
    }  # of the first system
    return markdown_table(
        HEADER,
        [_measured_row(one, ours[one.collection, one.reference]) for one in summaries],
    )


def format_comparison(
    summaries: Sequence[Summary], figures: Sequence[PublishedFigure], setting: Sequence[str]
) -> str:
    """Write the document: what was measured, how, and what others have published.

    Parameters
    ----------
    summaries
        Ours first among those of one set and reference.
    figures
        Those of one reference are neighbours.
    setting
        Sentences on when, where and with what it was measured.
    """
    parts = [
        "# diarspk beside other systems",
        "## Measured here, in one run",
        format_measured(summaries),
        NOTES,
        "\n".join(setting),
        "## Published",
        PUBLISHED_NOTES,
        format_published(figures),
    ]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class Settings:
    report: JsonReport
    data: tuple[Path, ...]
    """Folders of conversations, or lhotse's manifests."""
    references: tuple[str, ...] = ()
    """Score against FOLDER/references/NAME as well."""
    demo: Path | None = None
    """Recording of the demo, its RTTM beside it; none: that of pyannote.audio's wheel."""
    systems: tuple[str, ...] = SYSTEMS
    """Systems, ours first."""
    rounds: int = 1
    """Runs of every recording, of which the fastest counts."""
    write: bool = False
    """Replace eval/results/comparison.md."""


@command
def main(settings: Settings) -> None:
    """Run the command line; 0 if every recording was scored."""
    load_before = os.getloadavg()[0]
    outcomes = []
    figures = read_published()
    collections = read_collections(settings.data, settings.references)
    if (demo := settings.demo or find_demo()) is not None:
        collections[DEMO] = [read_demo(demo)]
    else:
        print("no demo call: pyannote.audio's wheel carries it", file=sys.stderr)
    diarizers = {name: load_diarizer(name) for name in settings.systems}
    for outcome in compare(collections, diarizers, rounds=settings.rounds):
        outcomes.append(outcome)
        print(_progress(outcome), file=sys.stderr)
    load = (load_before, os.getloadavg()[0])
    summaries = summarize(outcomes)
    document = format_comparison(
        summaries, figures, _describe_setting(diarizers, settings.rounds, load)
    )
    print(document, end="")
    if settings.write:
        write_text(document, RESULT)
    results = [one.as_dict() for one in summaries]
    settings.report.write({"load": load, "results": results})


def _progress(outcome: Outcome) -> str:
    return (
        f"{outcome.system} {outcome.collection}/{outcome.recording} ({outcome.reference}): "
        f"DER {100 * outcome.components.der:.1f} %, {outcome.processing:.1f} s"
    )


def _describe_setting(
    diarizers: Mapping[str, Diarize], rounds: int, load: tuple[float, float]
) -> list[str]:
    from diarspk import load_encoder

    run = describe_run()
    machine, versions = run["machine"], run["versions"]
    fastest = f", of which the fastest of {rounds} runs counts" if rounds > 1 else ""
    waiting = os.environ.get("OMP_WAIT_POLICY", "default")
    lines = [
        "Times are wall-clock, from path to annotation, without loading models, pooled; the "
        f"systems took turns on each recording{fastest}. The load average was {load[0]:.1f} at "
        f"the start and {load[1]:.1f} at the end: above the {machine['cores']} cores, other work "
        "slowed all systems alike, and only the ratios (times ours) say something.",
        "",
        f"- {run['date'][:10]}; {machine['processor']}, {machine['cores']} cores, "
        f"OMP_NUM_THREADS {machine['threads']}, OMP_WAIT_POLICY {waiting}",
        f"- diarspk {versions['diarspk']}, encoder `{load_encoder().fingerprint}`; "
        f"{_listed({name: versions[name] for name in ('python', 'torch', 'numpy')})}",
    ]
    for name, diarize in diarizers.items():
        if isinstance(diarize, PeerDiarizer):
            lines.append(f"- {name}: {_listed(diarize.versions)}")
    return [*lines, f"- `{run['command']}`"]


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _measured_row(summary: Summary, ours: float) -> list[str]:
    parts = summary.components
    shares = (parts.der, parts.miss_rate, parts.false_alarm_rate, parts.confusion_rate)
    recordings = len(summary.outcomes)
    return [
        summary.collection,
        summary.reference,
        TITLES.get(summary.system, summary.system),
        *(f"{100 * share:.1f}" for share in shares),
        f"{round(summary.count_accuracy * recordings)} of {recordings}",
        f"{summary.real_time_factor:.4f}",
        f"{summary.processing / ours:.1f}",
    ]


if __name__ == "__main__":
    raise SystemExit(main())
