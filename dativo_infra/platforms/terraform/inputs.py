"""The table of names: which variables of a module a job's fields fill.

Modules written for Dativo jobs use the names of one cloud's column. A module of another kind may
use the names of `also`, which are the block's own.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from dativo_infra.names import Grammar, render_word
from dativo_infra.values import is_known

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.platforms.terraform.interface import ModuleVariable
    from dativo_infra.project import Cloud
    from dativo_infra.values import Text

TENANT, ENVIRONMENT, TAGS = "tenant_id", "environment", "metadata.tags"
ACCOUNT, REGION = "target.account", "target.region"
"""What is no field of the block, or is more than the field: the tags have those of identity."""
VARIABLES = "variables"
"""The module's variable for those of `metadata.variables` that it has no other for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One fact of a job, and the variables that take it."""

    path: str
    """The field of the block; of the job or its target for those that are none."""
    aws: str = ""
    """The name in modules for AWS."""
    gcp: str = ""
    """The name in modules for Google Cloud."""
    kubernetes: str = ""
    """The name in modules for Kubernetes, whatever the cloud."""
    also: tuple[str, ...] = ()
    """Other names, taken where the module is known to have them."""

    def documented(self, cloud: Cloud, platform: str | None) -> str:
        """Return the name that a module for this cloud and platform has by convention, if any."""
        if platform == "kubernetes" and self.kubernetes:
            return self.kubernetes
        return self.gcp if cloud == "gcp" else self.aws

    def names(self, cloud: Cloud, platform: str | None) -> tuple[str, ...]:
        """Return every name that the fact may have in a module, the likeliest first."""
        names = (self.documented(cloud, platform), self.kubernetes, self.aws, *self.also)
        found = dict.fromkeys(name for name in names if name)
        if cloud == "gcp" and self.path != TAGS:
            # There `labels` are what tags are elsewhere.
            found.pop("labels", None)
        return tuple(found)


def _own(path: str, *names: str) -> Input:
    return Input(path=path, also=names)


TABLE: tuple[Input, ...] = (
    Input(path=TENANT, aws="tenant_id", gcp="tenant_id"),
    Input(path=ENVIRONMENT, aws="environment", gcp="environment"),
    Input(path=ACCOUNT, gcp="gcp_project_id"),
    Input(path=REGION, aws="aws_region", gcp="gcp_region", also=("region",)),
    _own("name", "name"),
    _own("runtime.platform", "platform"),
    Input(path="runtime.compute.instance_type", aws="instance_type", gcp="machine_type"),
    Input(path="runtime.compute.instance_count", aws="instance_count", gcp="node_count"),
    Input(
        path="runtime.compute.auto_scaling.enabled",
        aws="enable_autoscaling",
        gcp="enable_autoscaling",
    ),
    Input(path="runtime.compute.auto_scaling.min_instances", aws="min_instances", gcp="min_nodes"),
    Input(path="runtime.compute.auto_scaling.max_instances", aws="max_instances", gcp="max_nodes"),
    Input(path="runtime.storage.bucket", aws="s3_bucket", gcp="gcs_bucket", also=("bucket",)),
    _own("runtime.storage.volume_id", "volume_id"),
    _own("runtime.storage.mount_path", "mount_path"),
    Input(path="runtime.network.vpc_id", aws="vpc_id", gcp="network"),
    Input(path="runtime.network.subnet_ids", aws="subnet_ids", gcp="subnetwork_ids"),
    _own("runtime.network.security_group_ids", "security_group_ids"),
    Input(
        path="runtime.namespace",
        gcp="kubernetes_namespace",
        kubernetes="kubernetes_namespace",
        also=("namespace",),
    ),
    _own("runtime.service_account", "service_account"),
    Input(path=TAGS, aws="tags", gcp="labels", also=("metadata_tags",)),
    Input(
        path="metadata.labels",
        gcp="kubernetes_labels",
        kubernetes="kubernetes_labels",
        also=("labels",),
    ),
    Input(
        path="metadata.annotations",
        gcp="kubernetes_annotations",
        kubernetes="kubernetes_annotations",
        also=("annotations",),
    ),
    _own("resources.database.endpoint", "database_endpoint"),
    _own("resources.database.port", "database_port"),
    _own("resources.database.database_name", "database_name"),
    _own("resources.database.instance_id", "database_instance_id"),
    _own("resources.cache.endpoint", "cache_endpoint"),
    _own("resources.cache.cluster_id", "cache_cluster_id"),
    _own("resources.queue.url", "queue_url"),
    _own("resources.queue.arn", "queue_arn"),
    _own("resources.secrets.secret_manager_arn", "secret_manager_arn"),
    _own("resources.secrets.kms_key_id", "kms_key_id"),
)
"""Every fact that goes to a module, in the order in which a root has them."""


def variables_for(path: str) -> list[str]:
    """Return every name that a field may have in a module, whatever the cloud."""
    entries = (entry for entry in TABLE if entry.path == path)
    names = (name for each in entries for name in (each.aws, each.gcp, each.kubernetes, *each.also))
    return list(dict.fromkeys(name for name in names if name))


GOOGLE_LABEL = Grammar(
    what="label of Google Cloud",
    allowed="a-z0-9_-",
    longest=63,
    lower=True,
    source="https://cloud.google.com/resource-manager/docs/labels-overview#requirements",
)


def google_labels(tags: Mapping[str, Text]) -> dict[str, Text]:
    """Return tags as labels of Google Cloud, which have small letters, digits, `_` and `-` alone.

    Two tags never become one label: where their keys would meet, one of them gets a hash.
    """
    labels: dict[str, Text] = {}
    taken = {key for key in tags if GOOGLE_LABEL.accepts(key)}
    for key, value in tags.items():
        name = key if key in taken else _folded(key)
        if key not in taken and name in taken | labels.keys():
            name = render_word(key, GOOGLE_LABEL)
        labels[name] = _folded(value) if isinstance(value, str) else value
    return labels


def _folded(text: str) -> str:
    return re.sub("[^a-z0-9_-]", "_", text.lower())[:63]


def fitting(value: Any, variable: ModuleVariable | None) -> Any:
    """Return a value as a variable takes it whatever the other elements of a map are.

    Terraform makes the elements of a `map(any)` one type, which depends on all of them: with a
    text among numbers all become texts, and numbers with booleans are refused. So what is plain
    becomes text, and what is nested JSON text.
    """
    if variable is None or not variable.is_map or not isinstance(value, dict):
        return value
    if variable.type.replace(" ", "") not in {"map(any)", "map(string)"}:
        return value
    return {key: _as_text(item) for key, item in value.items()}


def _as_text(value: Any) -> Any:
    if value is None or isinstance(value, str) or not is_known(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return nested data as JSON has it: dates as text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, date) else value


def not_finite(value: Any) -> Iterator[float]:
    """Yield the numbers in nested data that JSON has no form for."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from not_finite(item)
    elif isinstance(value, float) and not math.isfinite(value):
        yield value
