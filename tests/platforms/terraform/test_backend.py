"""A backend is known by its settings, and the object that it writes by all that shapes it."""

from __future__ import annotations

from typing import Any

import pytest

from dativo_infra.platforms.terraform.backend import BackendError, State, backend, check_workspace
from dativo_infra.values import Parameter

S3 = {"bucket": "b", "key": "k", "region": "us-east-1"}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (S3, "s3"),
        ({"bucket": "b", "prefix": "p"}, "gcs"),
        ({"storage_account_name": "s", "container_name": "c", "key": "k"}, "azurerm"),
        ({"type": "gcs", **S3}, "gcs"),
        ({"type": "http", "address": "https://example.com/state"}, "http"),
    ],
)
def test_the_type_is_said_or_follows_from_the_settings(config: dict[str, Any], kind: str) -> None:
    """An explicit type wins; else the settings tell, and the type is no setting itself."""
    found = backend(config)
    assert found.type == kind
    assert "type" not in found.config


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"bucket": "b"}, ""),
        ({"type": "ssd"}, "type"),
        ({**S3, "access_key": "AKIA"}, "access_key"),
        ({**S3, "assume_role": {"token": "x"}}, "assume_role"),
        ({"type": "pg", "conn_str": "postgres://u:word@host/db"}, "conn_str"),
        ({**S3, "key": '${file("/etc/passwd")}'}, "key"),
        ({**S3, "key": "%{ if true }"}, "key"),
        ({**S3, "bucket": Parameter("BUCKET")}, "bucket"),
        ({**S3, "a b": "c"}, "a b"),
    ],
)
def test_what_must_not_be_in_a_file_is_refused(config: dict[str, Any], key: str) -> None:
    """Credentials, templates, unknown values and unknown types are refused at their setting."""
    with pytest.raises(BackendError) as caught:
        backend(config)
    assert caught.value.key == key


def test_a_state_is_what_backend_and_workspace_make() -> None:
    """Two ways to one object are one state: the prefix of a workspace is part of S3's key."""
    assert backend(S3).state("default") == "s3://b/k"
    assert backend(S3).state("prod") == "s3://b/env:/prod/k"
    assert backend({**S3, "key": "env:/prod/k"}).state("default") == backend(S3).state("prod")
    assert backend({**S3, "workspace_key_prefix": "w"}).state("prod") == "s3://b/w/prod/k"
    assert backend({"bucket": "b", "prefix": "p/"}).state("x") == "gs://b/p/x.tfstate"
    azure = {"storage_account_name": "s", "container_name": "c", "key": "k"}
    assert backend(azure).state("a") != backend(azure).state("b")
    assert backend({"type": "local"}).state("a") is None
    assert backend({"type": "local", "path": "../x"}).state("a") is not None


@pytest.mark.parametrize("name", ["..", "-x", "a/b", "", "a" * 91, "ä", "a b"])
def test_a_workspace_that_could_mean_another_is_refused(name: str) -> None:
    """`..` would be the default workspace's state; only plain names are taken."""
    with pytest.raises(BackendError):
        check_workspace(None, name)


def test_a_backend_without_workspaces_takes_none() -> None:
    """The http backend keeps one state."""
    http = backend({"type": "http", "address": "https://example.com"})
    check_workspace(http, "default")
    with pytest.raises(BackendError):
        check_workspace(http, "prod")


def test_what_jobs_share_has_a_state_beside_theirs() -> None:
    """It is in the same place for all jobs there, whatever key, prefix and workspace they have."""
    one = State(workspace="prod", backend=backend({**S3, "encrypt": True}))
    two = State(backend=backend({**S3, "key": "other", "encrypt": True}))
    shared = one.of_shared("cluster")
    assert shared == two.of_shared("cluster")
    assert shared.object == "s3://b/cluster"
    assert shared.backend
    assert shared.backend.config["encrypt"] is True
    elsewhere = State(backend=backend({**S3, "bucket": "c"}))
    assert elsewhere.of_shared("cluster") != shared
    gcs = State(workspace="x", backend=backend({"bucket": "b", "prefix": "p"}))
    assert gcs.of_shared("cluster").object == "gs://b/cluster/default.tfstate"
    assert State(workspace="x").of_shared("cluster") == State()


def test_a_backend_with_one_state_has_none_for_what_jobs_share() -> None:
    """The http backend is refused there: an address of one job's would hold two states."""
    state = State(backend=backend({"type": "http", "address": "https://example.com"}))
    with pytest.raises(BackendError, match="needs its own"):
        state.of_shared("cluster")
