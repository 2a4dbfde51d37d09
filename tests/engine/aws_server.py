"""An AWS in memory (moto) over HTTP, in a thread of the tests' own process, which it ends with.

What moto lacks is in `GAPS` of `dativo_infra.adapters.cloudformation.local`, but for what is filled
here. Of what resources refer to, it judges the roles of profiles and policies, managed policies,
the network, cluster and task definition of a service, the network and launch template of an Auto
Scaling group, and the service of a scalable target. It takes any other role, key, image, release,
configuration, capacity provider and schedule. For a resource that fails, name a role that does not
exist where a profile is built for it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.utils import parse_user_data
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.emr.models import Cluster
from moto.emr.responses import ElasticMapReduceResponse
from moto.iam.models import IAMBackend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from dativo_infra.adapters.cloudformation.local import create_references, create_roles, embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from moto.iam.models import ManagedPolicy

    from dativo_infra.planning import Plan

ACCOUNT = "123456789012"
"""The account that moto answers for."""
_POLLED_EVERY = 0.02
"""Seconds in which the server sees that it is to end."""


@dataclass(frozen=True, slots=True)
class Aws:
    """A running server, whose account is empty at first."""

    variables: Mapping[str, str]
    """What the environment of a program must hold for boto3 to use the server."""

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """Return a client of a service."""
        return boto3.client(service, region_name=region)

    def has_what_jobs_name(
        self, planned: Plan, parameters: Mapping[str, str] | None = None
    ) -> None:
        """Create the roles, subnets, security groups and clusters that jobs say exist."""
        session = boto3.Session()
        named = (each.id for job in planned.jobs for each in job.references)
        create_roles(
            session, [each for each in named if isinstance(each, str) and ":role/" in each]
        )
        elsewhere = {"azure", "gcp"}
        units = [each for each in planned.units if each.target.cloud not in elsewhere]
        create_references(session, units, parameters or {})


@contextmanager
def aws_server() -> Iterator[Aws]:
    """Serve an AWS without anything in it, for this process and those that it starts."""
    with ExitStack() as stack:
        stack.enter_context(embedded())
        for gap in (_iam(), *_emr(), *_ecs(), _launch_template()):
            stack.enter_context(gap)
        # One request at a time, since moto's memory is not made for threads.
        server = make_server(
            "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), request_handler=_Silent
        )
        thread = Thread(target=server.serve_forever, args=(_POLLED_EVERY,), daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"}
        stack.enter_context(patch.dict(os.environ, endpoint))
        kept = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        yield Aws({**endpoint, **{name: os.environ[name] for name in kept}})


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of a request."""


def _iam() -> Any:
    """Return the patch by which there are AWS's managed policies, which are read once."""
    policies = _managed_policies()
    return patch.object(IAMBackend, "_init_aws_policies", lambda _: list(map(copy, policies)))


@cache
def _managed_policies() -> list[ManagedPolicy]:
    with patch.dict(os.environ, MOTO_IAM_LOAD_MANAGED_POLICIES="true"):
        return IAMBackend("aws", ACCOUNT).aws_managed_policies


_LATER = ("auto_termination_policy", "managed_scaling_policy")
"""What is told of a cluster by calls of its own, which moto lacks."""


def _emr() -> Iterator[Any]:
    """Yield the patches by which a cluster keeps what moto forgets of it, and ends its machines."""
    run, terminate = ElasticMapReduceResponse.run_job_flow, Cluster.terminate

    def run_job_flow(response: Any) -> ActionResult:
        answer: Any = run(response)
        cluster = response.backend.clusters[answer.result["JobFlowId"]]
        cluster.auto_termination_policy = response._get_param("AutoTerminationPolicy")
        cluster.instance_fleets = response._get_param("Instances.InstanceFleets", [])
        return answer

    def list_instance_fleets(response: Any) -> ActionResult:
        return ActionResult({"InstanceFleets": _cluster(response).instance_fleets})

    def list_security_configurations(response: Any) -> ActionResult:
        configurations = response.backend.security_configurations.values()
        return ActionResult({"SecurityConfigurations": list(configurations)})

    def end(cluster: Cluster) -> None:
        terminate(cluster)
        if machines := [each.ec2_instance_id for each in cluster.ec2_instances]:
            cluster.emr_backend.ec2_backend.terminate_instances(machines)

    yield patch.object(Cluster, "terminate", end)
    yield patch.object(ElasticMapReduceResponse, "run_job_flow", run_job_flow)
    yield _added(list_instance_fleets)
    yield _added(list_security_configurations)
    for name in _LATER:
        yield from map(_added, _kept(name))


def _kept(name: str) -> Iterator[Callable[[Any], ActionResult | EmptyResult]]:
    """Yield the calls that set, tell and remove one thing of a cluster."""
    wire = name.title().replace("_", "")

    def put(response: Any) -> EmptyResult:
        setattr(_cluster(response), name, response._get_param(wire))
        return EmptyResult()

    def get(response: Any) -> ActionResult:
        return ActionResult({wire: getattr(_cluster(response), name, None)})

    def remove(response: Any) -> EmptyResult:
        setattr(_cluster(response), name, None)
        return EmptyResult()

    for function in (put, get, remove):
        function.__name__ = f"{function.__name__}_{name}"
        yield function


def _ecs() -> Iterator[Any]:
    """Yield the patches by which a service gets its cluster's providers, and all are listed."""
    create = EC2ContainerServiceResponse.create_service
    describe = EC2ContainerServiceBackend.describe_capacity_providers

    def create_service(response: Any) -> ActionResult:
        answer: Any = create(response)
        service = answer.result["service"]
        if not service.launch_type and not response._get_param("capacityProviderStrategy"):
            cluster = response.ecs_backend._get_cluster(service.cluster_name)
            service.capacity_provider_strategy = cluster.default_capacity_provider_strategy
        return answer

    def describe_capacity_providers(backend: Any, names: list[str] | None) -> Any:
        return describe(
            backend, names or [each.name for each in backend.capacity_providers.values()]
        )

    yield patch.object(EC2ContainerServiceResponse, "create_service", create_service)
    yield patch.object(
        EC2ContainerServiceBackend, "describe_capacity_providers", describe_capacity_providers
    )


def _launch_template() -> Any:
    """Return the patch by which a further version's user data is what the first one's is."""
    create = LaunchTemplate.create_version

    def create_version(template: Any, data: dict[str, Any], description: str) -> Any:
        if isinstance(text := data.get("UserData"), str):
            data = {**data, "UserData": parse_user_data(text)}
        return create(template, data, description)

    return patch.object(LaunchTemplate, "create_version", create_version)


def _cluster(response: Any) -> Any:
    return response.backend.describe_cluster(response._get_param("ClusterId"))


def _added(function: Callable[[Any], Any]) -> Any:
    return patch.object(ElasticMapReduceResponse, function.__name__, function, create=True)
