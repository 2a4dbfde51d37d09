"""From an identity to a legal name in each grammar.

Identities keep apart: where a character had to be changed, a name cut, or a part contains the
separator or looks like a hash itself, six hexadecimal digits of the identity's hash are appended.
Names are deterministic, so the same job has the same name on every machine and in every run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What a unit is known by: tenant, environment and name."""

    tenant: str
    environment: str
    name: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.environment}/{self.name}"

    @property
    def digest(self) -> str:
        """Return the hash of the identity, in hexadecimal; no two identities share its input."""
        parts = (self.tenant, self.environment, self.name)
        return _digest("".join(f"{len(part)}:{part}" for part in parts))

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the three parts, outermost first."""
        return (self.tenant, self.environment, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Which names a system accepts, as data."""

    what: str
    allowed: str
    """The characters allowed, as the inside of a regular expression's brackets."""
    longest: int
    lower: bool = False
    letter_first: bool = False
    """Whether a name must begin with a letter."""
    separator: str = "-"
    """What stands between the parts of a name, and for characters that are not allowed."""
    source: str = ""

    def accepts(self, name: str) -> bool:
        """Return whether a name is legal in this grammar."""
        ends = "[A-Za-z]" if self.letter_first else "[A-Za-z0-9]"
        return (
            0 < len(name) <= self.longest
            and re.fullmatch(f"[{self.allowed}]+", name) is not None
            and re.match(ends, name) is not None
            and re.search("[A-Za-z0-9]$", name) is not None
        )


STACK = Grammar(
    what="CloudFormation stack name",
    allowed="A-Za-z0-9-",
    longest=128,
    letter_first=True,
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html",
)
KUBERNETES = Grammar(
    what="Kubernetes name (DNS label)",
    allowed="a-z0-9-",
    longest=63,
    lower=True,
    letter_first=True,
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/names/",
)
CRON_JOB = Grammar(
    what="Kubernetes CronJob name",
    allowed="a-z0-9-",
    longest=52,
    lower=True,
    letter_first=True,
    source="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/",
)
CLUSTER = Grammar(
    what="name of a RayCluster or DaskCluster",
    allowed="a-z0-9-",
    # KubeRay allows 53; the Service of a Dask scheduler has a suffix of ten.
    longest=53,
    lower=True,
    letter_first=True,
    source="https://github.com/ray-project/kuberay, ray-operator/controllers/ray/utils/constant.go",
)
SPARK_APPLICATION = Grammar(
    what="SparkApplication name",
    allowed="a-z0-9-",
    # A scheduled run adds 20 characters, and the Service of its web page seven.
    longest=36,
    lower=True,
    letter_first=True,
    source="https://github.com/kubeflow/spark-operator, internal/controller",
)
LABEL_VALUE = Grammar(
    what="Kubernetes label value",
    allowed="A-Za-z0-9_.-",
    longest=63,
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/",
)
EMR_CLUSTER = Grammar(
    what="EMR cluster name",
    allowed="A-Za-z0-9_.-",
    longest=256,
    source="https://docs.aws.amazon.com/emr/latest/APIReference/API_RunJobFlow.html",
)
DATABRICKS = Grammar(
    what="Databricks name",
    allowed="A-Za-z0-9_.-",
    longest=99,
    source="https://docs.databricks.com/api/workspace/instancepools/create",
)
ECS_FAMILY = Grammar(
    what="ECS task definition family",
    allowed="A-Za-z0-9_-",
    longest=255,
    source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
)
PULUMI = Grammar(
    # No dot: Pulumi makes physical names of these, and not every service takes one.
    what="Pulumi resource name",
    allowed="A-Za-z0-9_-",
    longest=128,
)
TERRAFORM = Grammar(
    # What every service takes of which a resource is called so; the providers make no names up.
    what="name or its beginning in Terraform",
    allowed="A-Za-z0-9-",
    longest=128,
    letter_first=True,
)
TERRAFORM_LABEL = Grammar(
    # A hyphen is allowed as well, and not the custom.
    what="Terraform label",
    allowed="A-Za-z0-9_",
    longest=128,
    letter_first=True,
    separator="_",
    source="https://developer.hashicorp.com/terraform/language/syntax/configuration#identifiers",
)

_HASH_DIGITS = 6
_HASH = re.compile(f"[0-9a-f]{{{_HASH_DIGITS}}}")


def render(identity: Identity, grammar: Grammar) -> str:
    """Return the identity's name in a grammar, e.g. `acme-prod-orders`.

    The result is legal in the grammar, and two identities never get the same.
    """
    return _render(identity.parts, identity.digest, grammar)


def render_word(word: str, grammar: Grammar) -> str:
    """Return one word as a name in a grammar; as it stands where it is legal already."""
    if grammar.accepts(word):
        return word
    return _render((word,), _digest(word), grammar, exact=False)


def render_key(key: str, grammar: Grammar) -> str:
    """Return a resource's key, which is words joined by hyphens, as a name in a grammar."""
    return _render(tuple(key.split("-")), _digest(key), grammar)


def _digest(text: str) -> str:
    # The name of a file that is not UTF-8 contains surrogates.
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _render(parts: tuple[str, ...], digest: str, grammar: Grammar, *, exact: bool = True) -> str:
    plain = grammar.separator.join(parts)
    # What ends like a hash might be the name of another identity, with its hash.
    ambiguous = any(grammar.separator in part or not part for part in parts) or _HASH.fullmatch(
        parts[-1]
    )
    if exact and not ambiguous and grammar.accepts(plain):
        return plain
    fitting = plain.lower() if grammar.lower else plain
    fitting = re.sub(f"[^{grammar.allowed}]+", grammar.separator, fitting)
    if grammar.letter_first:
        fitting = re.sub("^[^A-Za-z]+", "", fitting) or "x"
    fitting = re.sub("^[^A-Za-z0-9]+", "", fitting)
    room = grammar.longest - _HASH_DIGITS - len(grammar.separator)
    stem = re.sub("[^A-Za-z0-9]+$", "", fitting[:room]) or "x"
    return f"{stem}{grammar.separator}{digest[:_HASH_DIGITS]}"
