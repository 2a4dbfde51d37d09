"""The tables of platforms are whole: uses, examples and names, of all platforms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dativo_infra.model import examples, fields
from dativo_infra.planning.report import choices
from dativo_infra.platforms import PLATFORMS
from dativo_infra.project import EDITIONS

if TYPE_CHECKING:
    from dativo_infra.platforms.base import Variable

BUILT = [name for name, platform in PLATFORMS.items() if platform.build]
VARIABLES = [(name, each) for name, platform in PLATFORMS.items() for each in platform.variables]


@pytest.mark.parametrize("platform", BUILT)
@pytest.mark.parametrize("path", fields())
def test_platforms_say_what_becomes_of_every_field(platform: str, path: str) -> None:
    """Each field of the block has uses, all but the last with a condition, and each with words."""
    uses = choices(path, PLATFORMS[platform])
    always = [use.when is None and not use.clouds for use in uses]
    assert always == [*([False] * (len(uses) - 1)), True]
    assert all(use.text.strip() for use in uses)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_tables_name_only_fields_that_exist(platform: str) -> None:
    """No table keeps a field that the model has lost."""
    assert PLATFORMS[platform].fields.keys() <= fields().keys()
    assert PLATFORMS[platform].examples.keys() <= fields().keys()


@pytest.mark.parametrize("path", fields())
def test_every_field_has_examples(path: str) -> None:
    """Each field has two examples or more, and so has each that means another thing somewhere."""
    given = [
        examples()[path],
        *(each.examples[path] for each in PLATFORMS.values() if path in each.examples),
    ]
    for values in given:
        assert len({repr(each) for each in values}) == len(values) >= 2


@pytest.mark.parametrize(
    ("platform", "variable"), VARIABLES, ids=lambda each: getattr(each, "name", each)
)
def test_every_variable_has_examples(platform: str, variable: Variable) -> None:
    """Each variable of open values has two examples that it accepts, and none is a default."""
    assert variable.meaning.strip()
    if variable.type == "boolean" or variable.choices:
        assert not variable.examples
        return
    assert len(set(variable.examples)) == len(variable.examples) >= 2
    defaults = [variable.default_of(edition) for edition in EDITIONS]
    for example in variable.examples:
        value, problem = variable.read(example)
        assert problem is None, f"{platform}: {example!r} {problem}"
        assert value not in defaults
