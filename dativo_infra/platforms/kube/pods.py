"""Pods: what runs the job's image, with its settings, files, limits and privileges."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dativo_infra.diagnostics import rules
from dativo_infra.platforms import runner
from dativo_infra.platforms.base import Context, Variable, switched_on, unused
from dativo_infra.platforms.kube import grammar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""What the restricted standard wants of each container."""

VARIABLES = (
    runner.IMAGE,
    *(
        Variable(
            name=f"resource_{kind}_{resource}",
            type="text",
            check=grammar.quantity,
            examples=examples,
            meaning=f"{meaning}: {resource}. Per container, and the namespace's default where all "
            "its jobs say the same.",
        )
        for kind, meaning, amounts in (
            ("requests", "What the container asks for", (("500m", "750m"), ("1Gi", "2Gi"))),
            ("limits", "Most that the container gets", (("1", "2"), ("4Gi", "8Gi"))),
        )
        for resource, examples in zip(("cpu", "memory"), amounts, strict=True)
    ),
    Variable(
        name="run_as_user",
        type="number",
        default=1000,
        minimum=1,
        maximum=2**31 - 1,
        examples=(2000, 65534),
        meaning="User id of the container with enable_pod_security_policy.",
        uses=(
            unused(
                "enable_pod_security_policy is not set",
                lambda job: not switched_on(job, "enable_pod_security_policy"),
            ),
        ),
    ),
)


def check_amounts(context: Context) -> None:
    """Report requests above their limits."""
    for resource in ("cpu", "memory"):
        request = context.settings[f"resource_requests_{resource}"]
        limit = context.settings[f"resource_limits_{resource}"]
        if request and limit and grammar.amount(request) > grammar.amount(limit):
            name = f"resource_requests_{resource}"
            context.report(
                rules.BAD_VARIABLE.at(
                    context.job.locate("metadata.variables", name),
                    f"`{name}` is more than `resource_limits_{resource}`.",
                    remedy="Ask for no more than the limit.",
                )
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume and where the container sees it."""

    name: str
    path: str
    volume: Mapping[str, Any]
    """The volume's source, such as `{"configMap": {"name": ...}}`."""
    sub_path: str | None = None
    """One file of the volume, mounted alone."""

    def as_mount(self) -> dict[str, Any]:
        """Return the container's side."""
        single = {"subPath": self.sub_path, "readOnly": True} if self.sub_path else {}
        return {"name": self.name, "mountPath": self.path, **single}

    def as_volume(self) -> dict[str, Any]:
        """Return the pod's side."""
        return {"name": self.name, **self.volume}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What tells the container of a pod from that of another pod of the job."""

    name: str = runner.CONTAINER
    command: tuple[str, ...] = ()
    """Instead of the image's entry point; that where empty."""
    args: tuple[str, ...] = ()
    amounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Requests and limits, see `resources`."""
    mounts: tuple[Mount, ...] = ()
    """What it mounts beside the job's own files."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the container has, such as ports."""


def pod(
    container: Container,
    *,
    account: str,
    settings: Mapping[str, Any],
    environment: Iterable[Mapping[str, Any]],
    mounts: Iterable[Mount],
) -> dict[str, Any]:
    """Return the spec of a pod with one container of the job's image.

    With `enable_pod_security_policy` it keeps to the restricted standard.
    Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    mounts = (*mounts, *container.mounts)
    command = {"command": list(container.command)} if container.command else {}
    args = {"args": list(container.args)} if container.args else {}
    made = {
        "name": container.name,
        "image": settings["image"],
        **command,
        **args,
        "envFrom": list(environment),
        "resources": container.amounts,
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [mount.as_mount() for mount in mounts],
        **container.more,
    }
    return {
        "serviceAccountName": account,
        "securityContext": security_context(settings),
        "containers": [made],
        "volumes": [mount.as_volume() for mount in mounts],
    }


def resources(settings: Mapping[str, Any], part: str = "") -> dict[str, dict[str, str]]:
    """Return the container's requests and limits, from the variables given.

    A `part` of a cluster has variables of its own, such as `head_cpu`: it asks for that much, and
    gets no more.
    """
    found: dict[str, dict[str, str]] = {}
    for kind in ("requests", "limits"):
        for resource in ("cpu", "memory"):
            own = settings.get(f"{part}_{resource}")
            if value := own or settings.get(f"resource_{kind}_{resource}"):
                found.setdefault(kind, {})[resource] = value
    return found


def security_context(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the security context of a pod."""
    context: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    if settings["enable_pod_security_policy"]:
        user = settings["run_as_user"]
        context |= {"runAsNonRoot": True, "runAsUser": user, "fsGroup": user}
    return context
