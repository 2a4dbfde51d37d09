"""What jobs share in a cluster: a namespace with its limits, and a service account."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.names import KUBERNETES as NAME
from dativo_infra.names import render_word
from dativo_infra.platforms import aws, azure
from dativo_infra.platforms.base import (
    Claim,
    Context,
    Shared,
    SharedContext,
    SharedKind,
    Variable,
    referenced,
    switched_on,
    unused,
    used,
)
from dativo_infra.platforms.kube import grammar, pods
from dativo_infra.platforms.kube.metadata import MANAGED_BY, tag_annotations, tag_labels
from dativo_infra.resources import Lifecycle, Resource
from dativo_infra.resources.kubernetes import KubernetesObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo_infra.model import Job
    from dativo_infra.values import Text

NAMESPACE = "KubernetesNamespace"
ACCOUNT = "KubernetesServiceAccount"

_DEFAULT = "default"
"""Every cluster has a namespace, and every namespace an account, of this name."""
_QUOTAS = {
    "requests_cpu": ("4", "8"),
    "requests_memory": ("16Gi", "32Gi"),
    "limits_cpu": ("8", "16"),
    "limits_memory": ("32Gi", "64Gi"),
    "pods": ("10", "20"),
}
"""What a quota may limit, with examples."""


_CLOUD_IDENTITY = re.compile(f"arn:.*|/.*|.*@.*|{azure.UUID}")
"""What names an identity in a cloud, and no account in the cluster."""


def _in_default(job: Job) -> bool:
    return job.get("runtime.namespace") == _DEFAULT


def _as_default(job: Job) -> bool:
    return job.get("runtime.service_account") == _DEFAULT


_EXISTS = unused("the namespace `default` exists in every cluster and is not changed", _in_default)

VARIABLES = (
    *(
        Variable(
            name=f"quota_{name}",
            type="text",
            check=grammar.quantity,
            examples=examples,
            meaning=f"Most that the whole namespace may use: {name.replace('_', '.')}.",
            uses=(_EXISTS,),
        )
        for name, examples in _QUOTAS.items()
    ),
    Variable(
        name="enable_pod_security_policy",
        type="boolean",
        default=False,
        meaning="Pod Security Standards on the namespace, and pods that keep to them.",
        uses=(
            used(
                "pods keep to the Pod Security Standards; the namespace `default` is not changed",
                _in_default,
            ),
        ),
    ),
    Variable(
        name="pod_security_level",
        type="text",
        default="restricted",
        choices=("baseline", "restricted"),
        meaning="Level for enable_pod_security_policy.",
        uses=(
            _EXISTS,
            unused(
                "enable_pod_security_policy is not set",
                lambda job: not switched_on(job, "enable_pod_security_policy"),
            ),
        ),
    ),
)

FIELDS = {
    "runtime.namespace": (
        referenced("exists in every cluster; objects are built in it", _in_default),
        used("namespace, shared with the other jobs that name it"),
    ),
    "runtime.service_account": (
        referenced("exists in every namespace; pods run as it", _as_default),
        used(
            "account that the pods run as, shared with the other jobs that name it; a role's ARN, "
            "an e-mail of Google or a client id of Azure is the cloud identity behind one, and "
            "must trust it"
        ),
    ),
}

EXAMPLES = {
    "runtime.namespace": ("ingestion", "analytics", _DEFAULT),
    "runtime.service_account": (
        "ingest-runner",
        "arn:aws:iam::123456789012:role/data/Runner",
        "ingest@acme.iam.gserviceaccount.com",
        _DEFAULT,
    ),
}


def needs(_: Job) -> tuple[str, ...]:
    """Return the fields that a job must set to be built in a cluster."""
    return ("runtime.namespace",)


def check(context: Context) -> None:
    """Report a namespace or an account that Kubernetes refuses."""
    namespace = context.get("runtime.namespace")
    if namespace is not None and not grammar.is_namespace(namespace):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.namespace"),
                f"`{namespace}` is no namespace: lower-case letters, digits and `-`, with a letter "
                "or digit at both ends, at most 63.",
            )
        )
    elif namespace is not None and namespace.startswith("kube-"):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.namespace"),
                f"`{namespace}` belongs to Kubernetes itself.",
                remedy="Use a namespace of your own.",
            )
        )
    aws.check_role(context)
    account = context.get("runtime.service_account")
    known = isinstance(account, str) and _CLOUD_IDENTITY.fullmatch(account) is None
    if known and not grammar.is_subdomain(account):
        context.report(
            rules.BAD_NAME.at(
                context.origin("runtime.service_account"),
                f"`{account}` is neither a role's ARN, an e-mail of Google, a client id of Azure, "
                "nor a name of lower-case letters, digits, `-` and `.`.",
            )
        )


def check_identity(context: Context) -> None:
    """Report an identity that the account's annotation cannot name, where a tool builds it."""
    account = context.get("runtime.service_account")
    if isinstance(account, str) and account.startswith("/"):
        context.report(
            rules.NO_CLIENT_ID.at(
                context.origin("runtime.service_account"),
                f"`{account}` does not tell the client id of the identity, which its pods need.",
                remedy=f"Give the client id: az identity show --ids {account} --query clientId",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The service account of a job's pods."""

    name: str
    annotations: Mapping[str, Text] = field(default_factory=dict)
    """Those that give it an identity in a cloud."""
    pod_labels: Mapping[str, Text] = field(default_factory=dict)
    """Those by which its pods ask for that identity."""
    is_own: bool = False
    """Whether it is the job's alone, as the job names none."""


def account_of(given: str) -> Account:
    """Return the account that `runtime.service_account` means.

    A role's ARN, an e-mail of Google and a client id of Azure are the cloud identities behind an
    account of their own short name (IAM roles for service accounts, workload identity); a plain
    word is the account.

    Sources: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html,
    https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity,
    https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
    """
    if given.startswith("arn:"):
        name = render_word(given.rpartition("/")[2].lower(), NAME)
        return Account(name=name, annotations={"eks.amazonaws.com/role-arn": given})
    if "@" in given:
        name = render_word(given.partition("@")[0].lower(), NAME)
        return Account(name=name, annotations={"iam.gke.io/gcp-service-account": given})
    if re.fullmatch(azure.UUID, given):
        return Account(
            name=f"azure-{given.lower()}",
            annotations={"azure.workload.identity/client-id": given.lower()},
            pod_labels={"azure.workload.identity/use": "true"},
        )
    return Account(name=given)


def wishes(context: Context, account: Account, *, holds_state: bool) -> Iterator[Shared]:
    """Yield the shared things that a job wants."""
    namespace = context.get("runtime.namespace")
    if namespace is None:
        return  # not known yet: nothing is shared with the other jobs that wait for a name
    tags = context.shared_tags
    common = {
        "labels": {**tag_labels(tags), **(context.get("metadata.labels") or {})},
        "annotations": tag_annotations(tags),
    }
    if namespace != _DEFAULT:
        yield Shared(
            kind=NAMESPACE,
            name=namespace,
            path="runtime.namespace",
            claims=dict(_namespace_claims(context, holds_state=holds_state)),
            common=common,
            # A quota of an amount refuses pods that do not say it.
            lacks={
                f"quota_{amount}": f"metadata.variables.resource_{amount}"
                for amount in _QUOTAS
                if context.settings.get(f"resource_{amount}", "") is None
            },
        )
    if account.is_own or (account.name == _DEFAULT and not account.annotations):
        return
    yield Shared(
        kind=ACCOUNT,
        name=f"{namespace}/{account.name}",
        path="runtime.service_account",
        needs=((NAMESPACE, namespace),),
        # An account without an identity in a cloud must not get that of another job.
        claims={"identity": Claim(value=account.annotations, path="runtime.service_account")},
        common=common,
    )


def _namespace_claims(context: Context, *, holds_state: bool) -> Iterator[tuple[str, Claim]]:
    def claim(name: str, *, strict: bool = True) -> tuple[str, Claim]:
        path = f"metadata.variables.{name}"
        return name, Claim(value=context.settings[name], path=path, strict=strict)

    # Said by every job: the namespace's level refuses the pods of jobs that do not keep to it.
    yield claim("enable_pod_security_policy")
    if context.settings["enable_pod_security_policy"]:
        yield claim("pod_security_level")
    for name in context.settings:
        if context.settings[name] is None:
            continue
        if name.startswith("quota_"):
            yield claim(name)
        elif name.startswith("resource_"):
            # Pods carry their own; a default that one job wants may break another's pods.
            yield claim(name, strict=False)
    if holds_state:
        yield "holds_state", Claim(value=True, path="runtime.storage")


def _build_namespace(shared: SharedContext) -> tuple[Resource, ...]:
    claims = shared.claims
    # Deleting a namespace deletes the volumes claimed in it.
    lifecycle = Lifecycle(retain=bool(claims.get("holds_state")))
    security: dict[str, Text] = {}
    if claims.get("enable_pod_security_policy"):
        modes = ("enforce", "audit", "warn")
        level = claims["pod_security_level"]
        security = {f"pod-security.kubernetes.io/{mode}": level for mode in modes}
    made = [
        KubernetesObject(
            key="namespace",
            origin=shared.origin,
            api_version="v1",
            kind="Namespace",
            name=shared.name,
            labels={**_labels(shared), **security},
            annotations=shared.common.get("annotations", {}),
            lifecycle=lifecycle,
        )
    ]
    if limits := pods.resources(claims):
        names = {"requests": "defaultRequest", "limits": "default"}
        item = {names[kind]: amounts for kind, amounts in limits.items()}
        spec = {"limits": [{"type": "Container", **item}]}
        made.append(_in_namespace(shared, "limit-range", "LimitRange", spec))
    quota = {
        name.removeprefix("quota_").replace("_", "."): value
        for name, value in claims.items()
        if name.startswith("quota_")
    }
    if quota:
        made.append(_in_namespace(shared, "quota", "ResourceQuota", {"hard": quota}))
    return tuple(made)


def _in_namespace(
    shared: SharedContext, key: str, kind: str, spec: Mapping[str, Any]
) -> KubernetesObject:
    return KubernetesObject(
        key=key,
        origin=shared.origin,
        api_version="v1",
        kind=kind,
        name="dativo",
        namespace=shared.name,
        labels=_labels(shared),
        annotations=shared.common.get("annotations", {}),
        body={"spec": spec},
        after=("namespace",),
    )


def _labels(shared: SharedContext) -> dict[str, Text]:
    return {**MANAGED_BY, **shared.common.get("labels", {})}


def _build_account(shared: SharedContext) -> tuple[Resource, ...]:
    namespace, _, name = shared.name.partition("/")
    return (
        KubernetesObject(
            key="service-account",
            origin=shared.origin,
            api_version="v1",
            kind="ServiceAccount",
            name=name,
            namespace=namespace,
            labels=_labels(shared),
            annotations={**shared.common.get("annotations", {}), **shared.claims["identity"]},
        ),
    )


KINDS = {
    NAMESPACE: SharedKind(
        description="Kubernetes namespace",
        build=_build_namespace,
        exports=lambda shared: {"kubernetes_namespace": shared.name},
    ),
    ACCOUNT: SharedKind(
        description="Kubernetes service account",
        build=_build_account,
        exports=lambda shared: {"kubernetes_service_account": shared.name.partition("/")[2]},
    ),
}
