"""Nearest-neighbour libraries behind one interface, for :mod:`eval.verification.vector_search`.

Each keeps unit vectors with their numbers in a folder, and proposes candidates for a query; the
caller compares those exactly. A library is imported only when its index is used.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["INDEXES", "VectorIndex"]

Rows = NDArray[np.float32]
Numbers = NDArray[np.int64]


class VectorIndex(Protocol):
    """Index in a folder.

    Attributes
    ----------
    package : str
        Distribution that it needs; empty: none besides NumPy.
    efforts : sequence of int
        Settings of a search, from fast to exact; the meaning is the library's.
    """

    @property
    def package(self) -> str: ...
    @property
    def efforts(self) -> Sequence[int]: ...
    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None: ...
    def open(self, folder: Path) -> None: ...
    def candidates(self, query: Rows, effort: int) -> Numbers: ...
    def add(self, numbers: Numbers, rows: Rows) -> None: ...
    def remove(self, numbers: Numbers) -> None: ...


class NumpyMatrix:
    """Product with the whole matrix, which is mapped into memory: exact."""

    package = ""
    efforts = (10,)

    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None:
        np.save(folder / "rows.npy", rows)
        np.save(folder / "numbers.npy", numbers)

    def open(self, folder: Path) -> None:
        self.folder = folder
        self.rows = np.load(folder / "rows.npy")
        self.numbers = np.load(folder / "numbers.npy")

    def candidates(self, query: Rows, effort: int) -> Numbers:
        scores = self.rows @ query
        return self.numbers[np.argpartition(-scores, effort)[:effort]]

    def add(self, numbers: Numbers, rows: Rows) -> None:
        self.rows = np.concatenate([self.rows, rows])
        self.numbers = np.concatenate([self.numbers, numbers])
        self.build(self.folder, self.numbers, self.rows)

    def remove(self, numbers: Numbers) -> None:
        kept = ~np.isin(self.numbers, numbers)
        self.rows, self.numbers = self.rows[kept], self.numbers[kept]
        self.build(self.folder, self.numbers, self.rows)


class Faiss:
    """An index of faiss by its factory string, searched by one thread.

    Parameters
    ----------
    description : str
        For the factory; ``{lists}`` becomes twice the root of the number of vectors.
    effort_name : str
        Parameter that an effort sets; empty: the effort is the number of candidates.
    """

    package = "faiss-cpu"

    def __init__(self, description: str, efforts: Sequence[int], effort_name: str = "") -> None:
        self.description = description
        self.efforts = efforts
        self.effort_name = effort_name

    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        lists = round(2 * len(rows) ** 0.5)
        index = faiss.index_factory(
            rows.shape[1], self.description.format(lists=lists), faiss.METRIC_INNER_PRODUCT
        )
        if not index.is_trained:
            step = max(1, len(rows) // (40 * lists))
            index.train(np.ascontiguousarray(rows[::step]))
        index.add_with_ids(rows, numbers)
        faiss.write_index(index, str(folder / "index.faiss"))

    def open(self, folder: Path) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self.faiss: Any = faiss
        self.file = str(folder / "index.faiss")
        self.index: Any = faiss.read_index(self.file)

    def candidates(self, query: Rows, effort: int) -> Numbers:
        count = effort
        if self.effort_name:
            self.faiss.ParameterSpace().set_index_parameter(self.index, self.effort_name, effort)
            count = 50
        _, found = self.index.search(query[None], count)
        return found[0][found[0] >= 0]

    def add(self, numbers: Numbers, rows: Rows) -> None:
        self.index.add_with_ids(rows, numbers)
        self.faiss.write_index(self.index, self.file)

    def remove(self, numbers: Numbers) -> None:
        self.index.remove_ids(numbers)
        self.faiss.write_index(self.index, self.file)


class Usearch:
    """Graph of neighbours (HNSW) of usearch, in eight bits or float16."""

    package = "usearch"
    efforts = (16, 64, 256, 1024, 4096)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None:
        from usearch.index import Index

        index = Index(ndim=rows.shape[1], metric="ip", dtype=self.kind, connectivity=16)
        index.add(numbers, rows, threads=1)
        index.save(str(folder / "index.usearch"))

    def open(self, folder: Path) -> None:
        from usearch.index import Index

        self.file = str(folder / "index.usearch")
        self.index: Any = Index.restore(self.file)

    def candidates(self, query: Rows, effort: int) -> Numbers:
        self.index.expansion_search = effort
        return np.asarray(self.index.search(query, 50, threads=1).keys, np.int64)

    def add(self, numbers: Numbers, rows: Rows) -> None:
        self.index.add(numbers, rows, threads=1)
        self.index.save(self.file)

    def remove(self, numbers: Numbers) -> None:
        self.index.remove(numbers)
        self.index.save(self.file)


class SqliteVec:
    """Table of sqlite-vec, compared row by row: float32, eight bits, or signs."""

    package = "sqlite-vec"
    PREPARED: ClassVar = {
        "float": "?",
        "int8": "vec_quantize_int8(?, 'unit')",
        "bit": "vec_quantize_binary(?)",
    }

    def __init__(self, kind: str, efforts: Sequence[int]) -> None:
        self.kind = kind
        self.efforts = efforts

    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None:
        self._connect(folder)
        metric = "" if self.kind == "bit" else " distance_metric=cosine"
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(
            f"CREATE VIRTUAL TABLE rows USING vec0(vector {self.kind}[{rows.shape[1]}]{metric})"
        )
        self.add(numbers, rows)
        self.connection.close()

    def open(self, folder: Path) -> None:
        self._connect(folder)

    def candidates(self, query: Rows, effort: int) -> Numbers:
        found = self.connection.execute(
            f"SELECT rowid FROM rows WHERE vector MATCH {self.PREPARED[self.kind]} AND k = ?",
            (query.tobytes(), effort),
        )
        return np.array([number for (number,) in found], np.int64)

    def add(self, numbers: Numbers, rows: Rows) -> None:
        statement = f"INSERT INTO rows (rowid, vector) VALUES (?, {self.PREPARED[self.kind]})"
        pairs = zip(numbers.tolist(), (row.tobytes() for row in rows), strict=True)
        with self.connection:
            self.connection.executemany(statement, pairs)

    def remove(self, numbers: Numbers) -> None:
        with self.connection:
            self.connection.executemany(
                "DELETE FROM rows WHERE rowid = ?", [(number,) for number in numbers.tolist()]
            )

    def _connect(self, folder: Path) -> None:
        import sqlite_vec

        file = str(folder / "rows.sqlite")
        if hasattr(sqlite3.Connection, "enable_load_extension"):
            self.connection: Any = sqlite3.connect(file)
        else:  # this Python was built without: an SQLite of its own can
            import apsw

            self.connection = apsw.Connection(file)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(sqlite_vec.loadable_path())


class Lance:
    """Table of LanceDB with an index of the given kind; an effort is a number of partitions."""

    package = "lancedb"
    efforts = (1, 4, 16, 64, 256)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def build(self, folder: Path, numbers: Numbers, rows: Rows) -> None:
        import lancedb

        table = lancedb.connect(folder / "lance").create_table("rows", self._arrow(numbers, rows))
        table.create_index(metric="dot", vector_column_name="vector", index_type=self.kind)

    def open(self, folder: Path) -> None:
        import lancedb

        self.table: Any = lancedb.connect(folder / "lance").open_table("rows")

    def candidates(self, query: Rows, effort: int) -> Numbers:
        asked = self.table.search(query).nprobes(effort).limit(50)
        return np.asarray(asked.select(["number", "_distance"]).to_arrow()["number"], np.int64)

    def add(self, numbers: Numbers, rows: Rows) -> None:
        self.table.add(self._arrow(numbers, rows))
        self.table.optimize()

    def remove(self, numbers: Numbers) -> None:
        self.table.delete(f"number IN ({','.join(map(str, numbers.tolist()))})")

    def _arrow(self, numbers: Numbers, rows: Rows) -> Any:
        import pyarrow

        flat = pyarrow.array(np.ascontiguousarray(rows).ravel())
        vectors = pyarrow.FixedSizeListArray.from_arrays(flat, rows.shape[1])
        return pyarrow.table({"number": numbers, "vector": vectors})


INDEXES: dict[str, VectorIndex] = {
    "numpy": NumpyMatrix(),
    "faiss flat": Faiss("IDMap2,Flat", (10,)),
    "faiss SQ8": Faiss("IDMap2,SQ8", (10, 20, 50, 100, 1000)),
    "faiss IVF, SQ8": Faiss("IVF{lists},SQ8", (1, 4, 16, 64, 256), "nprobe"),
    "faiss HNSW": Faiss("IDMap2,HNSW16", (16, 64, 256, 1024, 4096), "efSearch"),
    "usearch i8": Usearch("i8"),
    "usearch f16": Usearch("f16"),
    "sqlite-vec float": SqliteVec("float", (10,)),
    "sqlite-vec int8": SqliteVec("int8", (10, 20, 50, 100, 1000)),
    "sqlite-vec bit": SqliteVec("bit", (50, 200, 1000, 4000)),
    "lancedb IVF_PQ": Lance("IVF_PQ"),
    "lancedb IVF_HNSW_SQ": Lance("IVF_HNSW_SQ"),
}
"""Indexes by name."""
