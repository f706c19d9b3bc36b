"""Figures of cues from the JSON that other commands of eval/ have written.

Each reader gives figures by encoder and cue. A system of another command is its encoder with the
cue ``utterance``, since that is what they measure; ``eval.correlation`` and
``eval.extraction.study`` name cues of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from diarspk.errors import FormatError
from eval.cues.table import Column, Figure, Row
from eval.diarization.conversation import collection_title

__all__ = ["READERS", "read_figures"]

Found = dict[tuple[Row, Column], Figure]

VERIFICATION = Column("verification EER", "low")
INTRA_SESSION = Column("intra-session EER", "low")
EXTRACTION = Column("SI-SDRi", "high", "dB")
DEGRADED = Column("degraded EER", "low")
UTTERANCE = "utterance"

OWN = "diarspk"
STUDIED_CUES = {"utterance": UTTERANCE, "frames": "frame sequence", "log-mel": "log-mel sequence"}
"""Cues of ``tse.cues`` under the names of the probes; others keep theirs."""

WITHOUT_ENCODER = {"log-mel": "controls", "enrolment": "controls", "one-hot": "controls"}


def read_figures(kind: str, file: Path, encoder: str = "") -> Found:
    """Read the figures of one file.

    Parameters
    ----------
    kind : str
        One of :data:`READERS`.
    encoder : str
        Of the cue, where the file does not say it: that of ``eval.extraction``.

    Raises
    ------
    FormatError
        If the file is missing, or was not written by that command.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        found = READERS[kind](document, encoder)
    except OSError as error:
        raise FormatError(f"cannot be opened ({error.strerror})", str(file)) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FormatError(
            f"not what `python -m eval.{kind}` writes with --json ({type(error).__name__}: "
            f"{error}); run it again",
            str(file),
        ) from None
    return {
        (row, column): Figure(value, file.name)
        for (row, column), value in found.items()
        if value is not None and math.isfinite(value)
    }


def _verification(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """Crops of 2 s and whole utterances; the latter are what is measured here otherwise."""
    names = {"whole": VERIFICATION, "2 s": Column(f"{VERIFICATION.name}, 2 s", "low")}
    return {
        ((one["system"], UTTERANCE), names[one["crop"]]): one["equal_error_rate"]
        for one in document["results"]
        if one["crop"] in names
    }


def _intra_session(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """Pooled EER of the combined list."""
    return {
        ((system, UTTERANCE), INTRA_SESSION): lists["combined"]["pooled_eer"]["value"]
        for system, lists in document["results"].items()
        if "combined" in lists
    }


def _diarization(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """Read DER of our diarizer with an encoder; other diarizers say nothing of one encoder."""
    return {
        ((encoder, UTTERANCE), Column(f"DER {_set_name(one)}", "low")): one["der"]
        for one in document["results"]
        if (encoder := _encoder_of(one["system"])) is not None
    }


def _set_name(result: Mapping[str, Any]) -> str:
    return collection_title(result["collection"], result.get("reference", "own"))


def _correlation(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """EER across and inside sessions and DER with given speech, of encoders and prefixes."""
    found = {}
    for one in document["encoders"]:
        if one["degraded"]:
            continue
        measures = one["measures"]
        row = _studied_row(one["encoder"])
        found[row, VERIFICATION] = measures.get("eer conventional")
        found[row, INTRA_SESSION] = measures.get("eer combined")
        for name in sorted(measures):
            if name.startswith("der oracle"):
                found[row, Column(f"DER {name.removeprefix('der ')}", "low")] = measures[name]
    return found


def _extraction(document: Mapping[str, Any], encoder: str) -> dict[tuple[Row, Column], float]:
    """SI-SDRi of each condition with the right enrolment."""
    return {
        ((encoder, UTTERANCE), _condition(one["condition"])): one["summary"]["improvement_db"]
        for one in document["runs"]
        if "wrong" not in one["condition"]
    }


def _extraction_study(document: Mapping[str, Any], encoder: str) -> dict[tuple[Row, Column], float]:
    """Best fusion of each cue, on clean mixtures of two."""
    found: dict[tuple[Row, Column], float] = {}
    for one in document["cells"]:
        row = WITHOUT_ENCODER.get(one["cue"], encoder), STUDIED_CUES.get(one["cue"], one["cue"])
        key = row, _condition("clean-2")
        found[key] = max(found.get(key, -math.inf), one["summary"]["improvement_db"])
    return found


def _robustness(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """Mean over all degradations of the error rate against undegraded enrolments."""
    values: dict[Row, list[float]] = {}
    for one in document["robustness"]:
        if one["family"] != "clean":
            row = one["system"], one["cue"]
            values.setdefault(row, []).append(float(one["equal_error_rate"]))
    return {(row, DEGRADED): sum(own) / len(own) for row, own in values.items()}


def _carried(document: Mapping[str, Any], _: str) -> dict[tuple[Row, Column], float]:
    """Probes, disentanglement, and EER of whole utterances."""
    found: dict[tuple[Row, Column], float] = {}
    for one in document["carried"]:
        row = one["system"], one["cue"]
        found[row, VERIFICATION] = one["equal_error_rate"]
        for probe in one["probes"]:
            measure = " R2" if probe["measure"] == "R2" else ""
            found[row, Column(f"{probe['task']}{measure}", "none")] = probe["value"]
        if one["disentanglement"] is not None:
            key = Column("disentanglement", "none", "")
            found[row, key] = one["disentanglement"]["disentanglement"]
    return found


READERS: dict[str, Callable[[Mapping[str, Any], str], dict[tuple[Row, Column], float]]] = {
    "verification": _verification,
    "intra_session": _intra_session,
    "diarization": _diarization,
    "correlation": _correlation,
    "extraction": _extraction,
    "extraction_study": _extraction_study,
    "probes robustness": _robustness,
    "probes carried": _carried,
}
"""By the command that writes them, in the order of the columns."""


def _condition(name: str) -> Column:
    return Column(f"{EXTRACTION.name} {name}", "high", "dB")


def _encoder_of(system: str) -> str | None:
    """Find the encoder in a name such as ``diarspk:encoder=resnet34,threshold=0.6``."""
    if system == OWN:
        return OWN
    if not system.startswith(f"{OWN}:"):
        return None
    parts = dict(part.partition("=")[::2] for part in system.removeprefix(f"{OWN}:").split(","))
    # Another segmentation or threshold is no property of the encoder.
    return parts["encoder"] if set(parts) == {"encoder"} else None


def _studied_row(name: str) -> Row:
    """``embedded-64`` -> the embedded encoder's prefix; the longest is the whole vector."""
    stem, _, length = name.rpartition("-")
    if stem != "embedded":
        return name, UTTERANCE
    return OWN, UTTERANCE if length == "192" else f"{UTTERANCE}-{length}"
