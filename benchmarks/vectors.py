"""What session vectors cost in FAISS: time, memory, agreement with the exact cosine.

    python -m benchmarks.vectors [--npy FILE] [--json FILE]

Times are of the processor, of the calling thread, so that other work on the machine does
not count.  Vectors are drawn around topics, 50 to a topic, unless a file of unit vectors,
shape (rows, dimensions), is given; a query is a vector of the session with noise.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import threading
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from contextd.policy.retrieval.vectors import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Search = Callable[[Vectors], NDArray[Any]]

DIMENSIONS = (256, 384)
ROWS = (200, 2_000, 20_000, 100_000)
QUERIES = 60
TOP = 200
SESSIONS = 200
PASSAGES = 700
BYTE = faiss.ScalarQuantizer.QT_8bit_direct_signed
PRODUCT = faiss.METRIC_INNER_PRODUCT
EVERYTHING = -1e30


def drawn(rows: int, dimensions: int) -> Vectors:
    """Draw unit vectors around topics."""
    rng = np.random.default_rng(1)
    topics = rng.normal(size=(max(1, rows // 50), dimensions))
    vectors = topics[rng.integers(len(topics), size=rows)] + rng.normal(size=(rows, dimensions))
    return unit(vectors)


def unit(vectors: NDArray[Any]) -> Vectors:
    """Scale each row to length one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def queries(vectors: Vectors) -> Vectors:
    """Draw queries that lie near some of *vectors*."""
    rng = np.random.default_rng(2)
    near = vectors[rng.integers(len(vectors), size=QUERIES)]
    return unit(near + 0.7 * rng.normal(size=near.shape) / np.sqrt(near.shape[1]))


def cost(search: Callable[[Vectors], object], asked: Vectors) -> dict[str, float]:
    """Return the median and the 99th percentile of the microseconds a query takes."""
    search(asked[0])
    taken = []
    for query in asked:
        began = time.thread_time()
        search(query)
        taken.append((time.thread_time() - began) * 1e6)
    return {"p50_us": round(median(taken), 1), "p99_us": round(float(np.percentile(taken, 99)), 1)}


def best(similarities: NDArray[Any]) -> NDArray[np.intp]:
    """Return the numbers of the best rows, in no order."""
    top = min(TOP, len(similarities))
    return np.argpartition(-similarities, top - 1)[:top]


def recall(found: Iterator[NDArray[Any]], exact: Vectors) -> float:
    """Return the share of the exact best rows that were found."""
    truths = map(best, exact)
    pairs = zip(found, truths, strict=True)
    return round(float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in pairs])), 4)


def scanned(index: faiss.Index) -> Search:
    """Return a search for every similarity by an unbounded range search."""

    def search(query: Vectors) -> NDArray[Any]:
        _, products, numbers = index.range_search(query[None], EVERYTHING)
        found = np.empty(index.ntotal, np.float32)
        found[numbers] = products
        return found

    return search


def by_numpy(rows: NDArray[np.int8]) -> Search:
    """Return a search that widens and multiplies a block of bytes at a time, without FAISS."""

    def search(query: Vectors) -> NDArray[Any]:
        blocks = (rows[start : start + 256] for start in range(0, len(rows), 256))
        found = [np.einsum("ij,j->i", block.astype(np.float32), query) for block in blocks]
        return np.concatenate(found)

    return search


def in_bytes(vectors: Vectors) -> Vectors:
    """Round to whole numbers of at most 127, one scale for all."""
    return np.asarray(np.rint(vectors / np.abs(vectors).max() * 127), np.float32)


def every_similarity(vectors: Vectors) -> dict[str, Any]:
    """Measure ways to the similarity of every row, beside the one in use."""
    count, dimensions = vectors.shape
    asked, rounded = queries(vectors), in_bytes(vectors)
    exact = asked @ vectors.T
    index = VectorIndex()
    index.extend(vectors, count)
    floats = faiss.IndexFlatIP(dimensions)
    floats.add(vectors)
    scalar = faiss.IndexScalarQuantizer(dimensions, BYTE, PRODUCT)
    scalar.add(rounded)

    def search(query: Vectors) -> NDArray[Any]:
        return index.similarities(query, count)

    found = np.stack([search(query) for query in asked])
    return {
        "in_use": {
            **cost(search, asked),
            "bytes_a_row": index.size_bytes // count,
            "error_mean": round(float(np.abs(found - exact).mean()), 5),
            "error_max": round(float(np.abs(found - exact).max()), 5),
            f"recall_at_{TOP}": recall(map(best, found), exact),
        },
        "numpy_bytes": cost(by_numpy(rounded.astype(np.int8)), asked),
        "IndexFlatIP": cost(scanned(floats), asked) | {"bytes_a_row": dimensions * 4},
        "IndexScalarQuantizer": cost(scanned(scalar), in_bytes(asked)),
    }


def nearest(index: faiss.Index, build_s: float, asked: Vectors, exact: Vectors) -> dict[str, Any]:
    """Measure an index that returns the nearest rows only."""
    found = (index.search(query[None], TOP)[1][0] for query in asked)
    return {
        "build_s": round(build_s, 1),
        **cost(lambda query: index.search(query[None], TOP), asked),
        f"recall_at_{TOP}": recall(found, exact),
    }


def approximate(vectors: Vectors) -> dict[str, Any]:
    """Measure inverted files and HNSW graphs over the same bytes."""
    dimensions = vectors.shape[1]
    asked, rows = queries(vectors), in_bytes(vectors)
    exact, asked = asked @ vectors.T, in_bytes(asked)
    figures = {}
    for lists in (316, 1_024):
        began = time.thread_time()
        index: Any = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dimensions),
            dimensions,
            lists,
            BYTE,
            PRODUCT,
            False,  # noqa: FBT003 - theirs
        )
        index.train(rows)
        index.add(rows)
        built = time.thread_time() - began
        for index.nprobe in (4, 16, 64):
            name = f"IVF{lists} probing {index.nprobe}"
            figures[name] = nearest(index, built, asked, exact)
    began = time.thread_time()
    hnsw: Any = faiss.IndexHNSWSQ  # the stub is wrong about it
    graph = hnsw(dimensions, BYTE, 16, PRODUCT)
    graph.is_trained = True
    graph.add(rows)
    built = time.thread_time() - began
    for graph.hnsw.efSearch in (TOP, 2 * TOP):
        name = f"HNSW16 ef {graph.hnsw.efSearch}"
        figures[name] = nearest(graph, built, asked, exact)
    return figures


def resident() -> int:
    """Return the memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory() -> dict[str, float]:
    """Fill many sessions with vectors of both models; compare what is counted with the truth."""
    vectors = [drawn(PASSAGES, dimensions) for dimensions in DIMENSIONS]
    gc.collect()
    before = resident()
    indexes = []
    for _ in range(SESSIONS):
        for rows in vectors:
            index = VectorIndex()
            for start in range(0, PASSAGES, 16):
                batch = rows[start : start + 16]
                index.extend(batch, len(batch))
            indexes.append(index)
    counted = sum(index.size_bytes for index in indexes)
    grown = resident() - before
    return {"sessions": SESSIONS, "passages": PASSAGES, "counted_mb": counted // 10**6,
            "resident_mb": grown // 10**6}  # fmt: skip


def threads() -> dict[str, float]:
    """Say how long a search keeps another thread from running."""
    some = drawn(10_000, 256)
    index = VectorIndex()
    for _ in range(40):
        index.extend(some, len(some))
    gaps, done = [0.0], threading.Event()

    def tick() -> None:
        last = time.perf_counter()
        while not done.is_set():
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    other = threading.Thread(target=tick)
    other.start()
    began = time.perf_counter()
    for _ in range(20):
        index.similarities(some[0], len(index))
    taken = (time.perf_counter() - began) / 20
    done.set()
    other.join()
    return {
        "rows": len(index),
        "search_ms": round(taken * 1e3, 1),
        "longest_gap_ms": round(max(gaps) * 1e3, 1),
    }


def measure(vectors: Vectors | None) -> dict[str, Any]:
    """Return every figure, with the machine they belong to."""
    figures: dict[str, Any] = {
        "machine": {"system": platform.platform(), "cpus": os.cpu_count(), "load": os.getloadavg()},
        "faiss": {"version": faiss.__version__, "built": faiss.get_compile_options()},
        "threads": threads(),
        "memory": memory(),
    }
    largest = ROWS[-1]
    for dimensions in DIMENSIONS if vectors is None else (vectors.shape[1],):
        some = drawn(largest, dimensions) if vectors is None else vectors
        for rows in ROWS:
            if rows <= len(some):
                figures[f"{dimensions} x {rows}"] = every_similarity(some[:rows])
        figures[f"{dimensions} x {len(some)} approximate"] = approximate(some)
    return figures


def main() -> None:
    """Measure, print a line a figure, and write them to a file if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--npy", type=Path, help="take vectors from this file")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    faiss.omp_set_num_threads(1)
    figures = measure(options.npy and np.load(options.npy))
    for name, figure in figures.items():
        print(name)
        for key, value in figure.items():
            print(f"    {key:22} {json.dumps(value)}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
