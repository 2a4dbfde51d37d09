"""The volume of a job's state: a file system of EFS, or a disk of EBS at a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import aws, runner
from dativo_infra.platforms.base import Context, is_scaled, unused, used
from dativo_infra.resources.ecs import EfsVolume, HostVolume, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.values import Text

_EFS = re.compile(r"(?P<system>fs-[0-9a-f]{8,40})(::(?P<access>fsap-[0-9a-f]{8,40}))?")
_EBS = re.compile(r"vol-[0-9a-f]{8,17}")
NAME = "state"
_HOST_PATH = "/mnt/state"
"""Where a machine mounts the disk."""


def _has_volume(job: Job) -> bool:
    return job.get("runtime.storage.volume_id") is not None


FIELDS = {
    "runtime.storage.volume_id": (used("volume of the job's state, mounted in its tasks"),),
    "runtime.storage.mount_path": (
        used("where the volume is mounted, and STATE_DIR", _has_volume),
        unused("there is no volume: volume_id is not given"),
    ),
}


FILE_SYSTEMS = ("fs-0a1b2c3d4e5f60718", "fs-1b2c3d4e5f60718a::fsap-0a1b2c3d4e5f60718")
"""Examples of `volume_id`; `DISK` is one where machines are built."""
DISK = "vol-0a1b2c3d4e5f60718"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The volume that a job's state is on."""

    volume: Volume
    path: str
    """Where the container sees it."""
    disk: str | None = None
    """The id of a disk that a machine attaches at its start."""

    def statements(self) -> Iterator[aws.Statement]:
        """Yield what the task role needs to mount a file system.

        Source: https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
        """
        if not isinstance(self.volume, EfsVolume):
            return
        actions = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        system = aws.arn("elasticfilesystem", f"file-system/{self.volume.file_system_id}")
        if point := self.volume.access_point_id:
            arn = aws.arn("elasticfilesystem", f"access-point/{point}")
            condition = {"StringEquals": {"elasticfilesystem:AccessPointArn": arn}}
            yield aws.allow(actions, [system], condition)
        else:
            # Without an access point the user of the image owns the files, which is root mostly.
            yield aws.allow([*actions, "elasticfilesystem:ClientRootAccess"], [system])


def state(context: Context) -> State | None:
    """Return the volume that the job names; what is none is reported by `check`."""
    given = context.known("runtime.storage.volume_id")
    path = context.get("runtime.storage.mount_path") or runner.STATE_PATH
    if given is None:
        return None
    if found := _EFS.fullmatch(given):
        volume = EfsVolume(
            name=NAME, file_system_id=found["system"], access_point_id=found["access"]
        )
        return State(volume=volume, path=path)
    return State(volume=HostVolume(name=NAME, path=_HOST_PATH), path=path, disk=given)


def attach(disk: str) -> str:
    """Return the shell commands by which a machine attaches and mounts a disk.

    They run before the ECS agent starts, which then needs the mount, also after a restart of the
    machine: no task starts without the disk. Where another machine still has it they wait; a disk
    without a file system gets one.
    Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bootstrap_container_instance.html,
    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-using-volumes.html
    """
    device = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{disk.replace('-', '')}"
    return f"""\
metadata=http://169.254.169.254/latest
token=$(curl -sS -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 3600' $metadata/api/token)
fact() {{ curl -sS -H "X-aws-ec2-metadata-token: $token" "$metadata/meta-data/$1"; }}
instance=$(fact instance-id)
region=$(fact placement/region)
command -v aws > /dev/null || dnf install -y awscli-2
until aws ec2 attach-volume --region "$region" --volume-id {disk} \\
  --instance-id "$instance" --device /dev/sdf; do sleep 10; done
until [ -e {device} ]; do sleep 1; done
blkid {device} || mkfs.xfs {device}
mkdir -p {_HOST_PATH} /etc/systemd/system/ecs.service.d
echo "{device} {_HOST_PATH} auto defaults,nofail 0 2" >> /etc/fstab
printf '[Unit]\\nRequiresMountsFor={_HOST_PATH}\\n' > /etc/systemd/system/ecs.service.d/state.conf
systemctl daemon-reload
until mount {_HOST_PATH}; do sleep 10; done
"""


def attach_rights(disk: str, tags: Mapping[str, Text]) -> Iterator[aws.Statement]:
    """Yield what a machine needs to attach a disk to itself: to machines with its own tags.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
    """
    same = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    yield aws.allow(["ec2:AttachVolume"], [aws.arn("ec2", f"volume/{disk}")])
    yield aws.allow(["ec2:AttachVolume"], [aws.arn("ec2", "instance/*")], {"StringEquals": same})


def check(context: Context, *, disks: bool) -> None:
    """Report a volume that ECS cannot mount.

    Args:
        context: The job.
        disks: Whether the tasks run on machines that are built, which can attach a disk of EBS.
    """
    given = context.get("runtime.storage.volume_id")
    if not isinstance(given, str) or _EFS.fullmatch(given):
        return
    place = context.origin("runtime.storage.volume_id")
    efs = (
        "Give a file system of EFS: fs-0123456789abcdef0, or fs-...::fsap-... with an access point."
    )
    if not _EBS.fullmatch(given):
        context.report(
            rules.BAD_NAME.at(
                place,
                f"`{given}` is neither a file system of EFS nor a disk of EBS.",
                remedy=efs,
            )
        )
    elif not disks:
        context.report(
            rules.BAD_NAME.at(
                place,
                f"`{given}` is a disk of EBS, which only a machine can attach, and this job brings "
                "none: Fargate and a cluster that exists or is shared mount EFS alone.",
                remedy=f"{efs} Or run on ecs, on one machine in a cluster of its own.",
            )
        )
    elif _is_older(context.get("runtime.compute.instance_type")):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.compute.instance_type"),
                "A disk of EBS is mounted on machines of the Nitro system alone, such as t3 or m5.",
                remedy="Choose a newer machine type, or a file system of EFS.",
            )
        )
    elif _several(context):
        context.report(
            rules.BAD_NAME.at(
                place,
                f"`{given}` is a disk of EBS, which one machine at a time can have, in one zone.",
                remedy="Set instance_count: 1 without auto_scaling, and one subnet in the disk's "
                f"zone. {efs}",
            )
        )


def _is_older(instance_type: Any) -> bool:
    """Return whether a machine type shows its disks by other names than the Nitro system.

    Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html
    """
    family = str(instance_type).partition(".")[0]
    return (
        re.fullmatch("t[12]|m[1-4]|c[134]|r[34]|i[23]|d2|h1|x1e?|p[23]|g[23]s?|f1", family)
        is not None
    )


def _several(context: Context) -> bool:
    """Return whether the job may have several machines, or machines in several zones."""
    subnets = context.get("runtime.network.subnet_ids")
    return (
        (context.get("runtime.compute.instance_count") or 1) > 1
        or is_scaled(context.job)
        or not isinstance(subnets, tuple)
        or len(subnets) > 1
    )
