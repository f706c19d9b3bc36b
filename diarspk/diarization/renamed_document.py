"""Renaming of the speakers of a JSON document; :mod:`diarspk.formats.renaming` does it of RTTM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["renamed_document"]


def renamed_document(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a document of a diarization with other names of speakers.

    All else stays as it is, keys that are not known included. Warnings, which are text, have the
    new names too.

    Parameters
    ----------
    document : mapping
        As :meth:`diarspk.Diarization.to_dict` makes it.
    names : mapping of str to str
        New name by the one in the document; who has none keeps the old one.
    """
    renamed = dict(document)
    for key in ("turns", "exclusive", "speaker_details"):
        if key in document:
            renamed[key] = [
                {**item, "speaker": names.get(item["speaker"], item["speaker"])}
                for item in document[key]
            ]
    if "speakers" in document:
        renamed["speakers"] = sorted(names.get(one, one) for one in document["speakers"])
    if "speaker_details" in document:
        renamed["speaker_details"].sort(key=lambda item: item["speaker"])
    if names and "warnings" in document:
        label = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))})(?!\w)")
        renamed["warnings"] = [
            label.sub(lambda found: names[found[1]], text) for text in document["warnings"]
        ]
    return renamed
