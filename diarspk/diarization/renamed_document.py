"""Renaming of speakers in a JSON document and in texts; of RTTM, see diarspk.formats.renaming."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["renamed_document", "renamed_texts"]


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
    if "warnings" in document:
        renamed["warnings"] = renamed_texts(document["warnings"], names)
    return renamed


def renamed_texts(texts: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Return texts, such as warnings, with other names of the speakers that they mention."""
    if not names:
        return list(texts)
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)  # "Ann Lee" before "Ann"
    label = re.compile(rf"(?<!\w)({'|'.join(longest_first)})(?!\w)")
    return [label.sub(lambda found: names[found[1]], text) for text in texts]
