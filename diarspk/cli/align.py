"""Map embeddings of one encoder into the space of another."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diarspk.atomic import atomic_path
from diarspk.cli.kept_inputs import keep_inputs
from diarspk.cli.terminal import exit_on_error, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from diarspk.embeddings.space import Space

__all__ = ["align"]

align = typer.Typer(
    help="Map embeddings of one encoder into the space of another.",
    no_args_is_help=True,
    add_completion=False,
)

Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Output file.")]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Content of a file of ``diarspk embed -o``: a vector for each (file, start, end)."""

    space: Space
    vectors: NDArray[np.float32]
    keys: list[tuple[str, float, float]]


@align.command()
def fit(
    enrolment: Annotated[
        Path, typer.Argument(metavar="ENROLL.npz", help="`diarspk embed -o`, enrolment encoder.")
    ],
    runtime: Annotated[
        Path, typer.Argument(metavar="RUN.npz", help="Same recordings, run-time encoder.")
    ],
    output: Output,
    method: Annotated[
        str,
        typer.Option(
            help="m1 (run time into the enrolment space), m2 (enrolment into the run-time space), "
            "m3 (both into a new one), logits, procrustes-m1, least-squares-m2, ..."
        ),
    ] = "m2",
    speakers: Annotated[
        Path | None,
        typer.Option(metavar="FILE.tsv", help="Speakers, if known: lines `recording<TAB>speaker`."),
    ] = None,
) -> None:
    """Learn an alignment from embeddings of the same recordings by two encoders."""
    from diarspk.verification.alignment import make_alignment, write_alignment

    with exit_on_error():
        keep_inputs(output, [enrolment, runtime, speakers])
        first, second = _read(enrolment), _read(runtime)
        left, right = _pair(first, second)
        names = None if speakers is None else _read_speakers(speakers)
        labels = None if names is None else [_speaker(names, first.keys[i][0]) for i in left]
        made = make_alignment(method, first.space, second.space)
        made.fit(first.vectors[left], second.vectors[right], labels)
        write_alignment(made, output)
    say(
        f"{output}: {method} on {len(left)} pairs, {first.space.fingerprint} and "
        f"{second.space.fingerprint} meet in {made.output.fingerprint}"
    )


@align.command()
def apply(
    alignment: Annotated[
        Path, typer.Argument(metavar="ALIGNMENT", help="Alignment of `align fit`.")
    ],
    vectors: Annotated[
        Path, typer.Argument(metavar="IN.npz", help="Embeddings of `diarspk embed -o`.")
    ],
    output: Output,
) -> None:
    """Apply an alignment to embeddings of either encoder; their fingerprint tells which."""
    from diarspk.verification.alignment import read_alignment

    with exit_on_error():
        keep_inputs(output, [alignment, vectors])
        given = _read(vectors)
        mapping = read_alignment(alignment).map_from(given.space.fingerprint)
        _write(given, mapping.transform(given.vectors), mapping.output, output)


def _read(path: Path) -> Embeddings:
    from diarspk.checkpoints.array_file import read_arrays
    from diarspk.embeddings.space import Space
    from diarspk.errors import FormatError

    stored = read_arrays(path, "embeddings", "write them by `diarspk embed -o`")
    try:
        rows = stored["vectors"]
        space = Space(str(stored["fingerprint"]), rows.shape[1], str(stored["model"]))
        spans = zip(stored["files"].tolist(), stored["spans"].tolist(), strict=True)
        keys = [(file, round(start, 3), round(end, 3)) for file, (start, end) in spans]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise FormatError(
            f"not embeddings ({error}); write them by `diarspk embed -o`", str(path)
        ) from error
    return Embeddings(space, rows, keys)


def _pair(first: Embeddings, second: Embeddings) -> tuple[list[int], list[int]]:
    """Rows of the recordings and spans that both files have."""
    from diarspk.errors import ArgumentError

    where = {key: index for index, key in enumerate(second.keys)}
    left = [index for index, key in enumerate(first.keys) if key in where]
    if not left:
        raise ArgumentError(
            "the two files must hold the same recordings and spans, got none in common; embed "
            "the same list with both encoders"
        )
    return left, [where[first.keys[index]] for index in left]


def _read_speakers(path: Path) -> dict[str, str]:
    from diarspk.errors import FormatError

    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            return {row[0]: row[1] for row in rows if len(row) >= 2}
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(
            f"must be text with `recording<TAB>speaker` on each line ({error})", str(path)
        ) from error


def _speaker(names: dict[str, str], file: str) -> str:
    from diarspk.errors import ArgumentError

    if file not in names:
        raise ArgumentError(f"--speakers must name who speaks in {file}; add a line for it")
    return names[file]


def _write(given: Embeddings, vectors: NDArray[np.float32], space: Space, output: Path) -> None:
    """Write what ``diarspk embed -o`` would; the file appears whole or not at all."""
    import numpy as np

    output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(output) as part, part.open("wb") as stream:
        np.savez(
            stream,
            vectors=vectors,
            files=np.array([file for file, _, _ in given.keys]),
            spans=np.array([(start, end) for _, start, end in given.keys]),
            model=np.array(space.name),
            fingerprint=np.array(space.fingerprint),
        )
