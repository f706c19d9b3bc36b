"""Tiers of a transcript, one for each speaker: Praat's TextGrid and ELAN's .eaf.

Within a tier nothing overlaps and nothing is empty: what starts before the end of the annotation
before it starts there, and what then has no time left joins that annotation. The date of an .eaf is
always the same, so that the same transcript makes the same file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO
from xml.etree import ElementTree

from diarspk.transcripts.nist import UNKNOWN
from diarspk.transcripts.transcript import Transcript

__all__ = ["write_eaf", "write_textgrid"]

NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
TYPE = "default-lt"
DATE = "1970-01-01T00:00:00+00:00"

Interval = tuple[int, int, str]
"""Start and end in milliseconds, and text."""


def write_textgrid(transcript: Transcript, stream: TextIO) -> None:
    """Write a TextGrid in Praat's long format, in which tiers have empty intervals in the gaps."""
    tiers = _tiers(transcript)
    end_ms = max((tier[-1][1] for tier in tiers.values()), default=0)
    extent = f"xmin = 0\nxmax = {end_ms / 1000:.3f}\n"
    stream.write('File type = "ooTextFile"\nObject class = "TextGrid"\n\n')
    stream.write(f"{extent}tiers? <exists>\nsize = {len(tiers)}\nitem []:\n")
    for number, (speaker, tier) in enumerate(tiers.items(), 1):
        intervals = list(_fill(tier, end_ms))
        stream.write(f'item [{number}]:\nclass = "IntervalTier"\nname = "{_quote(speaker)}"\n')
        stream.write(f"{extent}intervals: size = {len(intervals)}\n")
        for index, (first_ms, last_ms, text) in enumerate(intervals, 1):
            stream.write(f"intervals [{index}]:\nxmin = {first_ms / 1000:.3f}\n")
            stream.write(f'xmax = {last_ms / 1000:.3f}\ntext = "{_quote(text)}"\n')


def write_eaf(transcript: Transcript, stream: TextIO) -> None:
    """Write an ELAN annotation document, format 3.0 (MPI, *EAF annotation format*)."""
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "diarspk",
            "DATE": DATE,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": NAMESPACE,
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    tiers = _tiers(transcript)
    times = sorted({time for tier in tiers.values() for span in tier for time in span[:2]})
    slots = {time: f"ts{number}" for number, time in enumerate(times, 1)}
    order = ElementTree.SubElement(root, "TIME_ORDER")
    for time, slot in slots.items():
        ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
    number = 0
    for speaker, tier in tiers.items():
        fields = {"LINGUISTIC_TYPE_REF": TYPE, "PARTICIPANT": speaker, "TIER_ID": speaker}
        node = ElementTree.SubElement(root, "TIER", fields)
        for first_ms, last_ms, text in tier:
            number += 1
            inner = ElementTree.SubElement(
                ElementTree.SubElement(node, "ANNOTATION"),
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{number}",
                TIME_SLOT_REF1=slots[first_ms],
                TIME_SLOT_REF2=slots[last_ms],
            )
            ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = _xml_text(text)
    ElementTree.SubElement(
        root,
        "LINGUISTIC_TYPE",
        {
            "GRAPHIC_REFERENCES": "false",
            "LINGUISTIC_TYPE_ID": TYPE,
            "TIME_ALIGNABLE": "true",
        },
    )
    ElementTree.indent(root)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(ElementTree.tostring(root, encoding="unicode"))
    stream.write("\n")


def _tiers(transcript: Transcript) -> dict[str, list[Interval]]:
    """Intervals of each speaker that do not overlap, by time."""
    tiers: dict[str, list[Interval]] = {}
    for one in sorted(transcript.utterances(), key=lambda one: one.start):
        if not one.text:
            continue
        name = UNKNOWN if one.speaker is None else _xml_text(" ".join(one.speaker.split()))
        tier = tiers.setdefault(name, [])
        start_ms, end_ms = round(one.start * 1000), round(one.end * 1000)
        if tier:
            start_ms = max(start_ms, tier[-1][1])
        if end_ms > start_ms:
            tier.append((start_ms, end_ms, one.text))
        elif tier:
            first_ms, last_ms, text = tier[-1]
            tier[-1] = (first_ms, last_ms, f"{text} {one.text}")
        else:
            tier.append((start_ms, start_ms + 1, one.text))
    return tiers


def _fill(tier: list[Interval], end_ms: int) -> Iterator[Interval]:
    """Yield intervals without gaps from 0 to ``end_ms``."""
    position = 0
    for first_ms, last_ms, text in tier:
        if first_ms > position:
            yield position, first_ms, ""
        yield first_ms, last_ms, text
        position = last_ms
    if end_ms > position:
        yield position, end_ms, ""


def _quote(text: str) -> str:
    return text.replace('"', '""')


def _xml_text(text: str) -> str:
    """Text without the control characters that XML 1.0 does not allow."""
    return "".join(sign for sign in text if sign in "\t\n\r" or sign >= " ")
