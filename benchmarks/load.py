"""How much `load`, and `load` with `plan`, cost beside the YAML parser alone.

    python benchmarks/load.py [NUMBER_OF_JOBS] [--profile]

Writes copies of one EMR job to a temporary folder and prints each step's time as a multiple of
PyYAML's C `compose` of the same files, measured in the same run: the floor of everything that
keeps the places of keys and values.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dativo_infra import load, plan

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = Path(__file__).parent.parent / "examples/jobs/acme/clickstream_emr.yaml"
ROUNDS = 3


def main(number: int, *, profile: bool) -> None:
    """Write the jobs, measure every step, and print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        text = JOB.read_text(encoding="utf-8")
        files = [Path(folder, f"orders_{index}.yaml") for index in range(number)]
        for file in files:
            file.write_text(text, encoding="utf-8")

        def read() -> None:
            for file in files:
                file.read_bytes()

        def compose() -> None:
            for file in files:
                yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

        def construct() -> None:
            for file in files:
                yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

        def load_jobs() -> None:
            load([folder], {})

        def load_and_plan() -> None:
            plan(load([folder], {}).jobs, provider="pulumi", allow_unresolved=True)

        if profile:
            with cProfile.Profile() as profiler:
                load_and_plan()
            pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
            return
        steps = (compose, read, construct, load_jobs, load_and_plan)
        times = {step.__name__: float("inf") for step in steps}
        # In turns, so that whatever else the machine does falls on all of them.
        for _ in range(ROUNDS):
            for step in steps:
                times[step.__name__] = min(times[step.__name__], seconds(step))
        print(f"{number:,} jobs of {len(text.splitlines())} lines; compose = 1")
        for name, taken in times.items():
            print(f"  {name:<14} {taken / times['compose']:6.2f}")
        print(f"  memory of the loaded jobs: {memory(folder) / number / 1024:.0f} KiB a job")


def seconds(step: Callable[[], None]) -> float:
    """Return the processor time of a step, which other processes do not change."""
    gc.collect()
    start = time.process_time()
    step()
    return time.process_time() - start


def memory(folder: str) -> int:
    """Return how many bytes the jobs of a folder take once loaded."""
    tracemalloc.start()
    loaded = load([folder], {})
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del loaded
    return taken


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    main(numbers[0] if numbers else 1_000, profile="--profile" in sys.argv)
