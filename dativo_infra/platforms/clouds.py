"""Which cloud a job runs in: its target says so, or its platform, or the forms of what it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dativo_infra.model import BLOCK
from dativo_infra.platforms import azure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dativo_infra.model import Job, Path
    from dativo_infra.platforms.base import Platform
    from dativo_infra.project import Cloud, PlacedTarget

NAMES: Mapping[Cloud, str] = {"aws": "AWS", "gcp": "Google Cloud", "azure": "Azure"}
"""The clouds, as people call them."""

_AZURE_HOST = r"[a-z0-9-]+\.(?:vault|managedhsm|(?:blob|dfs|file|queue|table)\.core|servicebus)"
_AZURE_DOMAIN = r"\.(?:windows\.net|azure\.net|(?:chinacloudapi|azure)\.cn|usgovcloudapi\.net)"
FORMS: Mapping[Cloud, str] = {
    "aws": (
        r"arn:aws[a-z-]*:.+"
        r"|(?:vpc|subnet|sg|vol|fs)-(?:[0-9a-f]{8}|[0-9a-f]{17})(?:::fsap-[0-9a-f]+)?"
        r"|s3[an]?://.+"
        r"|https://(?:sqs|queue)\.[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?(?:/.*)?"
    ),
    "gcp": (
        r"(?://[a-z]+\.googleapis\.com/|https://www\.googleapis\.com/compute/[a-z0-9]+/)?"
        r"projects/.+"
        r"|modeInstance/.+"
        r"|gs://.+"
        r"|[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com"
    ),
    "azure": (
        r"/subscriptions/.+"
        r"|(?:abfss?|wasbs?)://.+"
        rf"|(?:(?:https|sb)://)?{_AZURE_HOST}{_AZURE_DOMAIN}(?::[0-9]+)?(?:/.*)?"
    ),
}
"""For each cloud, the forms of identifiers and addresses that it alone has."""
_ACCOUNT = "runtime.service_account"
_IN_FIELDS: Mapping[str, Mapping[Cloud, str]] = {
    _ACCOUNT: {"azure": azure.UUID},
    "runtime.compute.instance_type": {
        "aws": r"[a-z0-9-]+\.(?:nano|micro|small|medium|[0-9]*x?large|metal(?:-[0-9a-z]+)?)",
        "gcp": r"[a-z][0-9][a-z]?-(?:standard|high|ultra|mega|hyper|custom|micro|small)[a-z0-9-]*",
        "azure": r"(?:standard|basic)_[a-z][a-z0-9_-]*",
    },
}
"""Forms that tell a cloud in one field only.

Sources: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html,
https://cloud.google.com/compute/docs/machine-resource,
https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions
"""
_TELLING = (
    "runtime.network.vpc_id",
    "runtime.network.subnet_ids",
    "runtime.network.security_group_ids",
    "runtime.compute.cluster_id",
    _ACCOUNT,
    "runtime.storage.volume_id",
    "runtime.compute.instance_type",
    "runtime.storage.bucket",
    "resources.queue.arn",
    "resources.queue.url",
    "resources.secrets.secret_manager_arn",
    "resources.secrets.kms_key_id",
)
"""The fields that tell a cloud: where the job runs before what it uses."""
_WAREHOUSE = ("target", "warehouse")


def _pattern(forms: Mapping[Cloud, str]) -> re.Pattern[str]:
    either = "|".join(f"(?P<{cloud}>{form})" for cloud, form in forms.items())
    return re.compile(f"(?:{either})", re.IGNORECASE)


_ANY = _pattern(FORMS)
_PATTERNS = {
    path: _pattern(
        {cloud: f"{form}|{more[cloud]}" if cloud in more else form for cloud, form in FORMS.items()}
    )
    for path, more in _IN_FIELDS.items()
}


@dataclass(frozen=True, slots=True)
class Sign:
    """A part of a job that tells a cloud by its form."""

    cloud: Cloud
    path: Path
    """Where it stands in the document."""

    def __str__(self) -> str:
        field = ".".join(part for part in self.path if isinstance(part, str))
        return f"`{field.removeprefix(f'{BLOCK}.')}`"


@dataclass(frozen=True, slots=True)
class Understood:
    """The cloud that a job was understood to run in, and why."""

    cloud: Cloud
    why: str
    sign: Sign | None = None
    """What told it, where a part of the job did."""
    is_plain: bool = True
    """Whether the project file or the platform leaves no other."""
    against: tuple[Sign, ...] = ()
    """The parts of the infrastructure block that tell another cloud."""

    def __str__(self) -> str:
        return f"{NAMES[self.cloud]}: {self.why}"

    @property
    def is_guess(self) -> bool:
        """Whether nothing tells the cloud."""
        return not self.is_plain and self.sign is None


def understood(job: Job, target: PlacedTarget, platform: Platform | None = None) -> Understood:
    """Return the cloud of a job: its target's, its platform's, by the job's signs, else AWS."""
    signs = tuple(_signs(job))
    sign = None
    if target.cloud:
        cloud, why = target.cloud, f"its target `{target.name}` is there"
    elif platform and len(platform.clouds) == 1:
        (cloud,) = platform.clouds
        why = f"{platform.name} exists there alone"
    elif sign := next(iter(signs), None) or _warehouse(job):
        cloud, why = sign.cloud, f"{sign} has a form that it alone has"
    else:
        cloud, why = "aws", "nothing says otherwise"
    return Understood(
        cloud=cloud,
        why=why,
        sign=sign,
        is_plain=bool(target.cloud or (platform and platform.clouds)),
        against=tuple(each for each in signs if each.cloud != cloud),
    )


def cloud_of(text: object, path: str = "") -> Cloud | None:
    """Return the cloud that a value tells by its form, in a field where that matters, or None."""
    match = _PATTERNS.get(path, _ANY).fullmatch(text) if isinstance(text, str) else None
    return next((cloud for cloud in NAMES if match and match[cloud] is not None), None)


def _signs(job: Job) -> Iterator[Sign]:
    """Yield the first sign of each field of the block that has one."""
    # A principal of Databricks is a UUID on each cloud.
    any_uuid = job.get("runtime.platform") == "databricks"
    for field in _TELLING:
        value = job.get(field)
        form = "" if any_uuid and field == _ACCOUNT else field
        for index, item in enumerate(value if isinstance(value, tuple) else (value,)):
            if cloud := cloud_of(item, form):
                parts = (index,) if isinstance(value, tuple) else ()
                yield Sign(cloud, (BLOCK, *field.split("."), *parts))
                break


def _warehouse(job: Job) -> Sign | None:
    """Return what the warehouse tells: a job writes where it runs, and may read from anywhere."""
    target = job.document.target
    warehouse = target.get("warehouse") if isinstance(target, Mapping) else None
    cloud = cloud_of(warehouse)
    return Sign(cloud, _WAREHOUSE) if cloud else None
