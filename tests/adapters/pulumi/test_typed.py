"""From plain data to Args classes."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from dativo_infra.adapters.pulumi.typed import PropertyError, args_class, typed
from dativo_infra.testing import record


def _classes() -> Any:
    from pulumi_kubernetes.core.v1 import PodSpecArgs, ServicePortArgs

    return PodSpecArgs, ServicePortArgs


def test_nested_data_becomes_args_classes() -> None:
    """Both kinds of names are understood, at every depth."""
    pod, _ = _classes()
    data = {
        "hostIPC": True,
        "service_account_name": "runner",
        "containers": [{"name": "a", "envFrom": [{"configMapRef": {"name": "b"}}]}],
        "nodeSelector": {"disk": "ssd"},
        "overhead": None,
    }
    spec = typed(pod, data)
    assert spec.host_ipc is True
    assert spec.overhead is None
    assert type(spec.containers[0]).__name__ == "ContainerArgs"
    reference = spec.containers[0].env_from[0].config_map_ref
    assert type(reference).__name__ == "ConfigMapEnvSourceArgs"
    assert reference.name == "b"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"containers": [{"name": "a", "imag": "b"}]}, r"`containers\[0\].imag`.*`image`"),
        ({"containers": {"name": "a"}}, "`containers` cannot be dict"),
        ({"containers": ["a"]}, r"`containers\[0\]` cannot be str"),
        ({"containers": [], "hostIPC": "yes"}, "`hostIPC` cannot be str"),
        ({"containers": [], "priority": True}, "`priority` cannot be bool"),
        ({"containers": [], "nodeSelector": {"disk": 1}}, "`nodeSelector.disk` cannot be int"),
    ],
)
def test_what_does_not_fit_is_refused(data: dict[str, Any], message: str) -> None:
    """Pulumi takes all of these without a word."""
    pod, _ = _classes()
    with pytest.raises(PropertyError, match=message):
        typed(pod, data)


def test_a_missing_property_is_refused() -> None:
    """The class itself knows what is required."""
    pod, _ = _classes()
    with pytest.raises(TypeError, match="containers"):
        typed(pod, {})


def test_a_choice_of_types_is_kept() -> None:
    """A port is a number or a name."""
    _, port = _classes()
    assert typed(port, {"port": 1, "targetPort": "http"}).target_port == "http"
    assert typed(port, {"port": 1, "targetPort": 80}).target_port == 80


def test_an_output_fits_everywhere() -> None:
    """What is known later is taken as it is."""
    pod, _ = _classes()

    def program() -> None:
        later = pulumi.Output.from_input([])
        assert typed(pod, {"containers": later}).containers is later

    record(program)


def test_values_are_not_shown() -> None:
    """A message never shows a value, since it may be a secret."""
    pod, _ = _classes()
    with pytest.raises(PropertyError) as caught:
        typed(pod, {"containers": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_the_class_of_a_resource_is_found() -> None:
    """Where a nested type has the plain name, the resource's own is called otherwise."""
    import pulumi_aws as aws
    from pulumi_kubernetes.batch.v1 import CronJob

    encryption = aws.s3.BucketServerSideEncryptionConfiguration
    assert args_class(aws.emr.Cluster) is aws.emr.ClusterArgs
    assert args_class(encryption).__name__ == "BucketServerSideEncryptionConfigurationInitArgs"
    assert args_class(CronJob).__name__ == "CronJobInitArgs"
