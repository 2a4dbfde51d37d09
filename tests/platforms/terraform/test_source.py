"""Each kind of source gets its version in its own way, and what would mislead is refused."""

from __future__ import annotations

import pytest

from dativo_infra.platforms.terraform.source import SourceError, address


@pytest.mark.parametrize(
    ("source", "version", "told", "constraint"),
    [
        ("acme/emr/aws", "3.2.1", "acme/emr/aws", "3.2.1"),
        ("acme/emr/aws", "v3.2.1", "acme/emr/aws", "3.2.1"),
        ("acme/emr/aws//modules/core", "~> 3.2, < 4", "acme/emr/aws//modules/core", "~> 3.2, < 4"),
        ("app.terraform.io/acme/emr/aws", None, "app.terraform.io/acme/emr/aws", None),
        (
            "git::https://example.com/infra.git//modules/emr",
            "v3.2.1",
            "git::https://example.com/infra.git//modules/emr?ref=v3.2.1",
            None,
        ),
        (
            "git::https://example.com/infra.git?depth=1",
            "v1",
            "git::https://example.com/infra.git?depth=1&ref=v1",
            None,
        ),
        ("github.com/acme/infra", "main", "github.com/acme/infra?ref=main", None),
        (
            "git@github.com:acme/infra.git//emr?ref=v1",
            "v1",
            "git@github.com:acme/infra.git//emr?ref=v1",
            None,
        ),
        ("hg::https://example.com/infra", "tip", "hg::https://example.com/infra?rev=tip", None),
        ("https://example.com/emr-1.2.zip", None, "https://example.com/emr-1.2.zip", None),
        ("../../modules/emr", None, "modules/emr", None),
        ("./emr", None, "jobs/acme/emr", None),
    ],
)
def test_a_source_is_told_with_its_version(
    source: str, version: str | None, told: str, constraint: str | None
) -> None:
    """A registry takes a version, a repository a ref behind the folder, a path the job's folder."""
    found = address(source, version, "jobs/acme")
    assert (found.source, found.version) == (told, constraint)


@pytest.mark.parametrize(
    ("source", "version", "field"),
    [
        ("git::https://example.com/infra.git?ref=v1", "v2", "module_version"),
        ("git::https://example.com/infra.git", "v1&ref=v2", "module_version"),
        ("git::https://example.com/infra.git", "--upload-pack=x", "module_version"),
        ("acme/emr/aws", "main", "module_version"),
        ("s3::https://s3.amazonaws.com/acme/emr.zip", "1", "module_version"),
        ("./emr", "1.0.0", "module_version"),
        ("modules/emr", None, "module_source"),
        ('${file("/etc/passwd")}', None, "module_source"),
        ("./%{ if true }emr%{ endif }", None, "module_source"),
        ("acme/emr/aws", "${x}", "module_version"),
        ("./emr\n", None, "module_source"),
        ("git::https://user:word@example.com/infra.git", None, "module_source"),
    ],
)
def test_a_source_that_would_mislead_is_refused(
    source: str, version: str | None, field: str
) -> None:
    """Two refs, versions of what has none, and what Terraform would evaluate are refused."""
    with pytest.raises(SourceError) as caught:
        address(source, version)
    assert caught.value.field == field


def test_a_folder_without_a_dot_is_suggested_with_one() -> None:
    """Terraform wants `./` before a path, and that is what is said."""
    with pytest.raises(SourceError) as caught:
        address("modules/emr", None)
    assert "./modules/emr" in caught.value.remedy


@pytest.mark.parametrize(
    ("source", "version", "pinned"),
    [
        ("acme/emr/aws", None, False),
        ("acme/emr/aws", "1.0.0", True),
        ("github.com/acme/infra", None, False),
        ("github.com/acme/infra?ref=v1", None, True),
        ("./emr", None, True),
    ],
)
def test_an_address_says_whether_it_is_pinned(
    source: str, version: str | None, pinned: bool
) -> None:
    """Registries and repositories are pinned by a version; a path has none."""
    assert address(source, version).pinned is pinned
