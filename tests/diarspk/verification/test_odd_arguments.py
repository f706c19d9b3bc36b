"""Whatever is passed to a gallery or an alignment, an error of this package says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from diarspk.embeddings.space import Space
from diarspk.verification.alignment import make_alignment, read_alignment, write_alignment
from diarspk.verification.calibration import ScoreCalibration
from diarspk.verification.gallery import create_gallery, open_gallery
from diarspk.verification.gallery.migration import migrate
from tests.odd_arguments import Call, raw_errors

SPACE, OTHER = Space("abc", 8, "toy"), Space("def", 8, "other")
ROWS = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
SPEAKERS = [f"person {number // 4}" for number in range(40)]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Call]]:
    """Methods of a gallery and functions of alignments, with arguments that are right."""
    folder = tmp_path_factory.mktemp("odd")
    space = {"fingerprint": "abc"}
    fitted = make_alignment("procrustes-m1", SPACE, OTHER).fit(ROWS, ROWS[:, ::-1], None)
    card = folder / "alignment.json"
    write_alignment(fitted, card)
    fresh = partial(make_alignment, "procrustes-m1", SPACE, OTHER)
    with create_gallery(folder / "people", SPACE) as people:
        people.enroll("ann", ROWS[0], fingerprint="abc")
        yield {
            "open_gallery": (open_gallery, {"folder": folder / "people"}),
            "create_gallery": (
                lambda folder, space: create_gallery(folder, space).close(),
                {"folder": folder / "more" / "people", "space": SPACE},
            ),
            "enroll": (
                people.enroll,
                {"speaker": "ann", "vectors": ROWS[:2], "sources": (), "seconds": (), **space},
            ),
            "enroll_many": (people.enroll_many, {"references": [("ann", ROWS[1])], **space}),
            "remove": (people.remove, {"speaker": "eve"}),
            "search": (people.search, {"vector": ROWS[0], "limit": 3, **space}),
            "identify": (
                people.identify,
                {"vector": ROWS[0], "known_prior": 0.5, "threshold": 0.4, "limit": 5, **space},
            ),
            "verify": (
                people.verify,
                {"speaker": "ann", "vector": ROWS[0], "target_prior": 0.5, **space},
            ),
            "references": (people.references, space),
            "set_calibration": (
                people.set_calibration,
                {"calibration": ScoreCalibration(20.0, -10.0, {}, "abc")},
            ),
            "migrate": (partial(migrate, people), {"mapping": fitted.map_from("abc")}),
            "make_alignment": (
                make_alignment,
                {"method": "m1", "enrolment": SPACE, "runtime": OTHER},
            ),
            "fit": (
                lambda **arguments: fresh().fit(**arguments),
                {"enrolment": ROWS, "runtime": ROWS, "speakers": SPEAKERS},
            ),
            "transform": (fitted.transform, {"vectors": ROWS, "side": "runtime"}),
            "map_from": (fitted.map_from, space),
            "write_alignment": (write_alignment, {"alignment": fitted, "path": card}),
            "read_alignment": (read_alignment, {"path": card}),
        }


NAMES = (
    *("open_gallery", "create_gallery", "enroll", "enroll_many", "remove", "search", "identify"),
    *("verify", "references", "set_calibration", "migrate", "make_alignment", "fit", "transform"),
    *("map_from", "write_alignment", "read_alignment"),
)


def test_every_call_is_tried(calls: dict[str, Call]) -> None:
    assert sorted(calls) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_odd_arguments(
    calls: dict[str, Call], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where a path like "x" may be written
    works = name != "migrate"  # it works once: then the gallery is of the other space
    raw = raw_errors(calls[name], works=works)
    assert not raw, "\n".join(raw)
