"""Diarization on a cluster, by Ray: one actor per worker, which loads the models once.

::

    import diarspk.cluster

    turns = diarspk.cluster.diarize(["s3://meetings/a.wav", "s3://meetings/b.wav"], workers=8)
    turns.write_parquet("s3://meetings/turns")

Ray schedules, holds recordings back while workers are busy, and starts a worker that died anew with
the recording that it was at. Without a cluster it starts on this machine. It needs the extra
``ray``. No usage statistics are sent: Ray's are switched off before it starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from diarspk.lazy import lazy_names

if TYPE_CHECKING:
    from diarspk.cluster.recordings import COLUMNS, diarize, write_rttm
    from diarspk.cluster.workers import LOCAL, Workers, map_rows

__all__ = ["COLUMNS", "LOCAL", "Workers", "diarize", "map_rows", "write_rttm"]

_HOMES = {
    "COLUMNS": "diarspk.cluster.recordings",
    "LOCAL": "diarspk.cluster.workers",
    "Workers": "diarspk.cluster.workers",
    "diarize": "diarspk.cluster.recordings",
    "map_rows": "diarspk.cluster.workers",
    "write_rttm": "diarspk.cluster.recordings",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
