"""Tokens inside data, and names of secrets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra.values import (
    Concat,
    Parameter,
    Pseudo,
    Ref,
    Select,
    Split,
    concat,
    has_password,
    has_secret,
    is_known,
    looks_secret,
    parameters,
    references,
    resolve,
    show,
    tokens,
)

A, B = Parameter("A"), Parameter("B")
SECRET = Parameter("S", "secret")


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((), ""),
        (("",), ""),
        (("a", "b"), "ab"),
        ((A,), A),
        (("", A, ""), A),
        (("a", "b", A, "c", "d"), Concat(("ab", A, "cd"))),
        ((Concat(("a", A)), "b", Concat(("c", B))), Concat(("a", A, "bc", B))),
        ((A, B), Concat((A, B))),
    ],
)
def test_concat(parts: tuple[Any, ...], whole: object):
    """Text is joined as far as it is known; nested parts become one list."""
    assert concat(*parts) == whole


leaf = st.one_of(
    st.none(),
    st.integers(),
    st.text(max_size=3),
    st.sampled_from([A, SECRET, Ref("k", "arn"), Pseudo("region")]),
)
text = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(Concat),
        st.builds(Select, inner, st.integers(0, 2)),
        st.builds(Split, st.just(","), inner),
    ),
    max_leaves=4,
)
nested = st.recursive(
    text,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(nested)
def test_what_is_resolved_is_known(value: Any):
    """Resolving leaves no token, and changes nothing that has none."""
    assert is_known(show(value))
    assert is_known(value) == (not list(tokens(value)))
    if is_known(value):
        assert resolve(value, lambda _: pytest.fail("there is no token")) == value


@given(nested)
def test_tokens_are_found_at_every_depth(value: Any):
    """References, parameters and secrets are found inside other tokens too."""
    wanted = [each for each in tokens(value) if isinstance(each, Parameter)]
    assert list(parameters(value)) == wanted
    assert has_secret(value) == (SECRET in wanted) == ("${S}" in str(show(value)))
    assert bool(list(references(value))) == ("<k.arn>" in str(show(value)))


def test_resolve_gives_plain_containers():
    """Tuples become lists, and each outermost token is lowered once."""
    seen: list[Any] = []
    value = {"a": (A, [Concat((A, B))])}
    assert resolve(value, lambda token: seen.append(token) or "x") == {"a": ["x", ["x"]]}
    assert seen == [A, Concat((A, B))]


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD", "REDIS_PASSWORD", "PGPASSWORD", "redis_password", "redisPassword", "DB_PASS",
        "MYSQL_PWD", "KEY_PASSPHRASE", "GITHUB_TOKEN", "API_KEY", "APIKEY", "api-key",
        "STRIPE_APIKEY",
        "AWS_SECRET_ACCESS_KEY", "CLIENT_SECRET", "SECRET_1", "SECRETS", "GCP_CREDENTIALS",
        "SSH_PRIVATE_KEY", "ENCRYPTION_KEY", "AZURE_STORAGE_CONNECTION_STRING", "TOKEN2",
        "CLIENTSECRET", "SECRETKEY", "ACCESSKEY", "PRIVATEKEY", "AUTHTOKEN", "ACCESSTOKEN",
        "DBPASS", "DB_PASS_2", "DB_PW", "STRIPE_KEY", "stripeKey", "HMAC_KEY", "SAS_KEY",
        "SHARED_KEY", "DATADOG_APP_KEY", "API_KEYS", "API_KEY_PROD", "GITHUB_PAT", "JWT",
        "SESSION_JWT", "PASSCODE", "secret_id", "DATA_KEY", "KEYSTORE_PASS", "HMAC_KEY_2",
        "SECRET_STATE_KEY", "COOKIE_HASH_KEY", "BLOB_KEY", "AZURE_EVENT_KEY", "PRIVATE_KEY_PRIMARY",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str):
    """The usual names of secrets are known, however they are written."""
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "EMR_CLUSTER_ID", "REDIS_ENDPOINT", "KMS_KEY_ID", "SECRET_ARN", "SECRET_NAME", "TOKENIZER",
        "KEY", "PRIMARY_KEY", "PASSENGERS", "COMPASS", "BUCKET", "secret_manager_arn", "", "MONKEY",
        "KMS_KEY", "LAKE_KMS_KEY", "KMS_KEY_ARN", "kms_key_id", "kms_key_alias", "kmsKeyId",
        "SIGNING_KEY_ARN", "SIGNING_KEY_ALIAS", "API_KEY_NAME", "PUBLIC_KEY", "SSH_PUBLIC_KEY",
        "PARTITION_KEY", "SORT_KEY", "primary_keys", "dedup_key", "cursor_field", "key", "keys",
        "STATE_KEY", "S3_KEY", "OBJECT_KEY", "MESSAGE_KEY", "BYPASS", "PATH", "PATTERN",
        "PATCH_LEVEL", "KEYSPACE", "HOTKEYS", "PWDS_OF", "order_by_key", "INDEX_KEY_2",
        "tokenizer", "DESPATCH",
    ],
)  # fmt: skip
def test_names_that_are_no_secrets(name: str):
    """What only sounds like a secret, and what says where one is, is none."""
    assert not looks_secret(name)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("rediss://:hunter2@cache.example.com:6379/0", True),
        ("postgresql+psycopg2://etl:p%40ss@db/x", True),
        ("mongodb://etl:p/w@a:1,b:2/x", True),
        ("see amqp://a:b@c", True),
        ("redis://cache.example.com:6379/0", False),
        ("https://example.com:8443/modules/x@v1", False),
        ("ssh://git@github.com/acme/modules", False),
        ("abfss://raw@acme.dfs.core.windows.net/x", False),
        ("a:b@c", False),
        ("", False),
    ],
)
def test_passwords_in_urls(text: str, *, secret: bool):
    """A URL with a password is a secret; a port, or a user alone, is none."""
    assert has_password(text) is secret


def test_tokens_are_shown_as_people_write_them():
    """A token's text says what it stands for, and nothing of a secret's value."""
    value = Concat(("s3://", Ref("bucket", "name"), "/", Pseudo("region"), SECRET))
    assert show([value, Select(Split("/", A), 1)]) == [
        "s3://<bucket.name>/<region>${S}",
        "split(${A}, '/')[1]",
    ]
