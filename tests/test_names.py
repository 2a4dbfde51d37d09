"""Names in every grammar."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dativo_infra import names
from dativo_infra.names import Grammar, Identity, render, render_word

GRAMMARS = [value for value in vars(names).values() if isinstance(value, Grammar)]
every_grammar = pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.what)

# Few characters and lengths, so that what could meet does.
part = st.one_of(
    st.text("aA1-_.é /", max_size=5),
    st.text("a", min_size=40, max_size=140),
    st.sampled_from(["", "abc123", "\udcff", "a\n", "orders_v2"]),
)
identities = st.builds(Identity, part, part, part)


@every_grammar
@given(identities)
def test_names_are_legal(grammar: Grammar, identity: Identity):
    """Every identity has a name that the grammar accepts."""
    assert grammar.accepts(render(identity, grammar))
    assert grammar.accepts(render_word(identity.name, grammar))


@every_grammar
@given(identities, identities)
def test_two_identities_never_meet(grammar: Grammar, one: Identity, other: Identity):
    """Two identities have two names."""
    assert (render(one, grammar) == render(other, grammar)) == (one == other)


@every_grammar
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a-b", "c", "d"), ("a", "b-c", "d")),
        (("a", "b", "c"), ("A", "b", "c")),
        (("a_b", "c", "d"), ("a.b", "c", "d")),
        (("a" * 200, "b", "c"), ("a" * 200, "b", "d")),
        (("", "a", "b"), ("a", "", "b")),
    ],
)
def test_pairs_that_are_near(
    grammar: Grammar, one: tuple[str, str, str], other: tuple[str, str, str]
):
    """Names differ where parts are cut, cased, joined or spelled differently."""
    assert render(Identity(*one), grammar) != render(Identity(*other), grammar)


@every_grammar
@pytest.mark.parametrize("parts", [("é", "b", "c"), ("a", "b" * 300, "c")])
def test_no_name_is_that_of_another_with_its_hash(grammar: Grammar, parts: tuple[str, str, str]):
    """An identity spelled like the hashed name of another has another name."""
    hashed = render(Identity(*parts), grammar)
    forged = Identity(*([""] * 3 + hashed.split("-"))[-3:])
    assert render(forged, grammar) != hashed


@pytest.mark.parametrize(
    ("grammar", "name"),
    [
        (names.STACK, "acme-prod-orders"),
        (names.KUBERNETES, "acme-prod-orders"),
        (names.LABEL_VALUE, "acme-prod-orders"),
    ],
)
def test_plain_names_stay(grammar: Grammar, name: str):
    """Where nothing must be changed the name is the parts and nothing more."""
    assert render(Identity("acme", "prod", "orders"), grammar) == name


def test_names_are_the_same_for_ever():
    """Deployed names must not change with a version of this library."""
    identity = Identity("acme", "prod", "db_orders")
    assert render(identity, names.STACK) == "acme-prod-db-orders-a4b49e"
    assert render(identity, names.PULUMI) == "acme-prod-db_orders"
    assert hashlib.sha256(b"4:acme4:prod9:db_orders").hexdigest() == identity.digest


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("a", True),
        ("a-b", True),
        ("a" * 63, True),
        ("", False),
        ("a" * 64, False),
        ("A", False),
        ("1a", False),
        ("-a", False),
        ("a-", False),
        ("a_b", False),
        ("a\n", False),
        ("ä", False),
        ("٣", False),
    ],
)
def test_what_a_grammar_accepts(name: str, legal: bool):
    """A grammar bounds length and characters, and how names begin and end."""
    assert names.KUBERNETES.accepts(name) is legal


def test_words_that_are_legal_stay():
    """A word that names something is changed only where it must be."""
    assert render_word("runner", names.KUBERNETES) == "runner"
    assert render_word("Runner", names.KUBERNETES) != render_word("RUNNER", names.KUBERNETES)
