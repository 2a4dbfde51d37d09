"""The volume that a job keeps its state on: one that exists, or a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import runner
from dativo_infra.platforms.base import Context, Variable, unused, used
from dativo_infra.platforms.kube import grammar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job

_DRIVERS = (
    (r"vol-[0-9a-f]+", "ebs.csi.aws.com", "ReadWriteOnce"),
    (r"fs-[0-9a-f]+(::fsap-[0-9a-f]+)?", "efs.csi.aws.com", "ReadWriteMany"),
    (r"projects/[^/]+/(zones|regions)/[^/]+/disks/[^/]+", "pd.csi.storage.gke.io", "ReadWriteOnce"),
    (r"(?i:/subscriptions/.+/disks/[^/]+)", "disk.csi.azure.com", "ReadWriteOnce"),
)
"""By the shape of a volume's id: the driver that mounts it, and how it may be accessed.

Shares of Filestore and Azure Files are no more known by their ids alone than those of any other
server of NFS or SMB: a claim names their address, or their storage account and its key.
Source: https://kubernetes-csi.github.io/docs/drivers.html
"""


def driver_of(volume_id: str | None) -> tuple[str, str] | None:
    """Return the driver and the access mode for a disk's id; None for the name of a claim."""
    for pattern, driver, access in _DRIVERS:
        if volume_id and re.fullmatch(pattern, volume_id):
            return driver, access
    return None


def is_wanted(job: Job) -> bool:
    """Return whether the job's pods get a volume."""
    return bool(job.get("runtime.storage.volume_id") or job.variables.get("state_volume_size"))


def _names_claim(job: Job) -> bool:
    volume_id = job.get("runtime.storage.volume_id")
    return isinstance(volume_id, str) and driver_of(volume_id) is None


def _names_disk(job: Job) -> bool:
    volume_id = job.get("runtime.storage.volume_id")
    return isinstance(volume_id, str) and driver_of(volume_id) is not None


VARIABLES = (
    Variable(
        name="state_volume_size",
        type="text",
        check=grammar.quantity,
        examples=("5Gi", "20Gi"),
        meaning="Size of a new volume for the job's state, or of the one given.",
        uses=(unused("volume_id names a claim that exists, with its own size", _names_claim),),
    ),
    Variable(
        name="storage_class",
        type="text",
        check=lambda text: None if grammar.is_subdomain(text) else "must be a storage class",
        examples=("gp3", "premium-rwo"),
        meaning="Storage class of a new volume; the cluster's default where not given.",
        uses=(
            unused("volume_id names a volume that exists", lambda job: bool(_volume_id(job))),
            unused("no new volume is asked for", lambda job: not is_wanted(job)),
        ),
    ),
    Variable(
        name="volume_zone",
        type="text",
        examples=("eu-west-1a", "eu-west-1b"),
        meaning="Zone of the disk given as volume_id, so that pods are placed beside it.",
        uses=(unused("volume_id names no disk", lambda job: not _names_disk(job)),),
    ),
)

FIELDS = {
    "runtime.storage.volume_id": (used("volume of the job's state, mounted in its pods"),),
    "runtime.storage.mount_path": (
        used("where the volume is mounted, and STATE_DIR", is_wanted),
        unused("there is no volume: neither volume_id nor variables.state_volume_size is given"),
    ),
}


def _volume_id(job: Job) -> Any:
    return job.get("runtime.storage.volume_id")


def check(context: Context) -> None:
    """Report a volume or a path for it that Kubernetes refuses."""
    runner.check_mount_path(context)
    volume_id = _volume_id(context.job)
    if _names_claim(context.job) and not grammar.is_subdomain(volume_id):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.storage.volume_id"),
                f"`{volume_id}` is neither the id of a disk nor the name of a claim.",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVolume:
    """The volume of one job's state."""

    claim: str
    """Name of the claim that pods mount it by."""
    mount_path: str
    claim_spec: Mapping[str, Any] | None
    """Spec of the claim; None where the claim exists."""
    disk_spec: Mapping[str, Any] | None
    """Spec of the volume behind it; None where the cluster makes one, or has it."""

    @property
    def single(self) -> bool:
        """Whether one machine alone can mount it; of a claim that exists that is not known."""
        return bool(self.claim_spec) and "ReadWriteMany" not in self.claim_spec["accessModes"]


def state_volume(context: Context, name: str) -> StateVolume | None:
    """Return the volume of a job's state, called `name` where it gets a name of ours."""
    volume_id: str | None = context.known("runtime.storage.volume_id")
    size = context.settings["state_volume_size"]
    if not volume_id and not size:
        return None
    driver = driver_of(volume_id)
    exists = volume_id is not None and driver is None
    claim = volume_id if volume_id and exists else name
    namespace = context.get("runtime.namespace") or ""
    return StateVolume(
        claim=claim,
        mount_path=context.get("runtime.storage.mount_path") or runner.STATE_PATH,
        claim_spec=None if exists else dict(_claim(context, name, driver)),
        disk_spec=(
            dict(_disk(context, driver, volume_id, {"namespace": namespace, "name": claim}))
            if driver
            else None
        ),
    )


def _size(context: Context) -> str:
    return context.settings["state_volume_size"] or "1Gi"


def _claim(
    context: Context, name: str, driver: tuple[str, str] | None
) -> Iterator[tuple[str, Any]]:
    yield "accessModes", [driver[1] if driver else "ReadWriteOnce"]
    yield "resources", {"requests": {"storage": _size(context)}}
    if driver:
        # The empty class keeps the cluster from making a volume of its own for the claim.
        yield "storageClassName", ""
        yield "volumeName", name
    elif storage_class := context.settings["storage_class"]:
        yield "storageClassName", storage_class


def _disk(
    context: Context, driver: tuple[str, str], volume_id: str | None, claim: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    yield "capacity", {"storage": _size(context)}
    yield "accessModes", [driver[1]]
    yield "persistentVolumeReclaimPolicy", "Retain"
    yield "storageClassName", ""
    yield "claimRef", claim
    yield "csi", {"driver": driver[0], "volumeHandle": volume_id}
    if zone := context.settings["volume_zone"]:
        term = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
        yield "nodeAffinity", {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}}
