"""Workers and what leads them: how many there are, how much they get, and their labels.

`Words` names the parts as each platform does: executors and a driver, workers and a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.diagnostics import rules
from dativo_infra.platforms.base import (
    Context,
    Use,
    Variable,
    is_scaled,
    referenced,
    refers,
    unused,
    used,
)
from dativo_infra.platforms.kube import grammar, shared, volumes
from dativo_infra.platforms.kube.metadata import tag_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_infra.model import Job

CLUSTER_ID = "runtime.compute.cluster_id"
_COUNT = "runtime.compute.instance_count"
_SCALING = "runtime.compute.auto_scaling"

ONLY_REFERRED = unused("the cluster exists and is only referred to", refers)
_NOT_SCALED = unused("auto_scaling is not enabled", lambda job: not is_scaled(job))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a platform calls the parts of a cluster."""

    workers: str
    leader: str
    scaler: str
    """What moves the number of workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """How many workers a cluster has."""

    start: int
    least: int
    most: int


def workers(job: Job) -> Workers:
    """Return how many workers a job asks for; one where it does not say."""
    if not is_scaled(job):
        count = job.get(_COUNT) or 1
        return Workers(start=count, least=count, most=count)
    least, most = (job.get(f"{_SCALING}.{limit}_instances") or 1 for limit in ("min", "max"))
    return Workers(start=job.get(_COUNT) or least, least=least, most=most)


def fields(words: Words) -> Mapping[str, tuple[Use, ...]]:
    """Return what becomes of the fields about machines."""
    many = words.workers
    return {
        CLUSTER_ID: (referenced("the cluster that the job uses; none is built"),),
        "runtime.compute.instance_type": (
            unused("the machines are those of the Kubernetes cluster: its node pools are not ours"),
        ),
        _COUNT: (
            ONLY_REFERRED,
            used(f"{many} at the start; {words.scaler} owns the number afterwards", is_scaled),
            used(f"number of {many}; the {words.leader} is extra"),
        ),
        f"{_SCALING}.enabled": (ONLY_REFERRED, used(f"{words.scaler} moves the number of {many}")),
        f"{_SCALING}.min_instances": (ONLY_REFERRED, _NOT_SCALED, used(f"fewest {many}")),
        f"{_SCALING}.max_instances": (ONLY_REFERRED, _NOT_SCALED, used(f"most {many}")),
        "runtime.storage.volume_id": (
            *(use for use in volumes.FIELDS["runtime.storage.volume_id"] if use.when),
            used(
                "volume of the job's state, mounted in every pod, or where one machine alone can "
                "mount it in the pod that runs the job"
            ),
        ),
    }


def needs(job: Job) -> tuple[str, ...]:
    """Return the fields that a job must set."""
    wanted = shared.needs(job)
    if is_scaled(job) and not refers(job):
        wanted += (f"{_SCALING}.min_instances", f"{_SCALING}.max_instances")
    return wanted


def amounts(part: str, what: str, *uses: Use) -> tuple[Variable, ...]:
    """Return the variables for the amounts of one part of a cluster, see `pods.resources`."""
    return tuple(
        Variable(
            name=f"{part}_{resource}",
            type="text",
            check=grammar.quantity,
            examples=examples,
            meaning=f"{words} of {what}, asked for and at most; resource_* where not given.",
            uses=uses,
        )
        for resource, words, examples in (
            ("cpu", "CPU", ("2", "1500m")),
            ("memory", "Memory", ("4Gi", "6Gi")),
        )
    )


def check_labels(context: Context, kept: tuple[str, ...], operator: str) -> None:
    """Report labels, and tags that become labels, whose keys an operator keeps for itself.

    `kept` are what such keys begin with.
    """
    for field in ("metadata.labels", "metadata.tags"):
        for key, value in (context.get(field) or {}).items():
            names = (key,) if field == "metadata.labels" else tag_labels({key: value})
            if any(name.casefold().startswith(kept) for name in names):
                context.report(
                    rules.BAD_LABEL.at(
                        context.job.locate(field, key, key=True),
                        f"`{key}` would be a label that {operator} sets by itself.",
                        remedy="Use another key.",
                    )
                )
