"""Diarization on the workers of a Ray cluster, which this machine stands in for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from diarspk import Diarizer, cluster
from diarspk.cli.application import app
from diarspk.cluster import Workers, map_rows, write_rttm
from diarspk.errors import ArgumentError, ModelError
from diarspk.formats import read_rttm
from tests.tiny_model import write_tiny_model, write_voices

pytestmark = pytest.mark.filterwarnings("ignore")  # of Ray's own

ray = pytest.importorskip("ray")


@pytest.fixture(scope="module", autouse=True)
def local_cluster() -> Iterator[None]:
    """Whatever a test starts runs for all of them."""
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def run() -> Callable[..., Any]:
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found = write_voices(tmp_path_factory.mktemp("voices"))
    return [file for files in found.values() for file in files][:4]


@pytest.fixture(scope="module")
def rows(tiny: Path, voices: list[Path]) -> list[dict[str, Any]]:
    """Results of four recordings and of a file that is not there, by two workers."""
    dataset = cluster.diarize([*voices, "missing.wav"], workers=2, name=tiny)
    found = {row["path"]: row for row in dataset.take_all()}
    return [found[str(path)] for path in [*voices, "missing.wav"]]


def test_results_are_those_of_one_process(
    rows: list[dict[str, Any]], tiny: Path, tmp_path: Path
) -> None:
    diarizer = Diarizer.load(tiny)
    for row in rows[:4]:
        assert tuple(row) == cluster.COLUMNS
        diarizer(row["path"]).write(tmp_path / "one.rttm")
        assert row["rttm"] == (tmp_path / "one.rttm").read_text()
        assert (row["error"], row["speakers"]) == ("", 1)


def test_a_recording_that_fails_is_a_row_with_its_error(rows: list[dict[str, Any]]) -> None:
    assert (rows[4]["path"], rows[4]["rttm"]) == ("missing.wav", "")
    assert rows[4]["error"] == "missing.wav: no such file; check the path"


def test_no_usage_statistics_are_sent() -> None:
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_turns_go_to_any_filesystem(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    again = [{**row, "path": f"s3://other/{Path(row['path']).name}"} for row in rows[:1]]
    dataset = ray.data.from_items(rows + again)
    assert write_rttm(dataset, str(tmp_path / "out")) == [f"missing.wav: {rows[4]['error']}"]
    files = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert len(files) == 5 and f"{Path(rows[1]['path']).stem}.rttm" in files
    assert all(name.endswith(".rttm") for name in files)
    (one,) = read_rttm(tmp_path / "out" / f"{Path(rows[1]['path']).stem}.rttm").values()
    assert len(one.labels()) == 1
    write_rttm(dataset, "memory://out")
    dataset.write_parquet(str(tmp_path / "table"))
    assert list((tmp_path / "table").glob("*.parquet"))


def test_files_may_come_as_bytes(
    voices: list[Path], tiny: Path, rows: list[dict[str, Any]]
) -> None:
    dataset = ray.data.from_items(
        [{"path": f"hdfs://far/{voices[0].name}", "bytes": voices[0].read_bytes()}]
    )
    (row,) = cluster.diarize(dataset, name=tiny).take_all()
    assert (row["error"], row["rttm"]) == ("", rows[0]["rttm"])


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    dataset = map_rows(
        [{"number": number} for number in range(6)], _DiesOnce(tmp_path / "died"), Workers(2)
    )
    done = dataset.take_all()
    assert (tmp_path / "died").exists()
    assert sorted(row["number"] for row in done) == list(range(6))


class _DiesOnce:
    """Makes a function that kills its process at number 3, the first time."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __call__(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return self.process

    def process(self, row: dict[str, Any]) -> dict[str, Any]:
        if row["number"] == 3 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return row


def test_the_command_does_a_batch_on_workers(
    run: Callable[..., Any], tiny: Path, voices: list[Path], tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    words = ["diarize", "--encoder", tiny, *voices, "missing.wav"]
    alone = run(*words, "-o", one)
    spread = run(*words, "-o", other, "--ray", "local", "--jobs", "2")
    assert alone.exit_code == spread.exit_code == 1
    assert spread.stderr == alone.stderr
    for file in voices:
        name = f"{file.stem}.rttm"
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert len((other / "report.csv").read_text().splitlines()) == 6
    assert "--ray need -o DIR" in run("diarize", voices[0], "--ray", "local").stderr


def test_what_befalls_every_recording_is_told_once(
    run: Callable[..., Any], tiny: Path, voices: list[Path], tmp_path: Path
) -> None:
    words = ["--clusterer", "vbx", "--ray", "local", "-o", tmp_path]
    result = run("diarize", "--encoder", tiny, *voices, *words)
    assert (result.exit_code, result.stderr.count("has no PLDA")) == (1, 1)


def test_arguments_that_can_mean_nothing() -> None:
    for wrong in ({"count": 0}, {"cpus": -1.0}, {"gpus": float("nan")}):
        with pytest.raises(ArgumentError, match=f"`{next(iter(wrong))}` must be"):
            Workers(**wrong)  # type: ignore[arg-type]
    for recordings in ("a.wav", []):
        with pytest.raises(ArgumentError, match="`recordings` must"):
            cluster.diarize(recordings)


def test_without_ray_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModelError, match=r"pip install 'diarspk\[ray\]'"):
        map_rows([{"number": 1}], dict, Workers())
