"""Makes the documentation that stands in tables of the code: `make docs` writes it."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo_infra.model import examples, fields
from dativo_infra.planning import reference
from dativo_infra.planning.reference import words_of, written
from dativo_infra.planning.support import LOSSES, REFUSALS, TOOLS
from dativo_infra.platforms import PLATFORMS
from dativo_infra.resources.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dativo_infra.platforms.base import Platform, Use, Variable

ROOT = Path(__file__).parents[1]
COMMAND = "make docs"
_BEGIN, _END = "<!-- made by docs/generate.py -->\n", "<!-- end -->\n"
_MADE = f"<!-- Made by docs/generate.py from the tables in the code: `{COMMAND}` writes it. -->"
_TITLES = {"cloudformation": "CloudFormation"}
_NOT_BUILT = "read and checked, not built yet"


def files() -> dict[Path, str]:
    """Return every file that is made, with what it must hold."""
    readme = ROOT / "README.md"
    return {
        ROOT / "docs" / "fields.md": _text(_fields()),
        ROOT / "docs" / "support.md": _text(_support()),
        readme: _with_table(readme.read_text(), _small_table()),
    }


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def _with_table(text: str, table: Iterable[str]) -> str:
    """Return a text with a table instead of what stands between the marks."""
    before, _, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"README.md has no {_BEGIN.strip()} with an {_END.strip()} after it")
    return f"{before}{_BEGIN}{_text(table)}{_END}{after}"


# --- what each field and variable means -----------------------------------------------------------


def _fields() -> Iterator[str]:
    yield "# Fields and variables"
    yield ""
    yield _MADE
    yield ""
    yield _wrapped(
        "What each field of the `infrastructure:` block does on each platform, and which variables "
        "and outputs each platform has. `dativo-infra explain` shows the same for one of them, and "
        "`dativo-infra plan` what became of each in a job."
    )
    yield ""
    yield "- **used**: it shapes what is built."
    yield "- **referenced**: it names what exists already, and is not built."
    yield "- **unused**: it does nothing, for the reason given."
    yield ""
    yield _wrapped(
        "Where a platform has several rows, the first that fits the job holds. The tests hold each "
        "tool to what is said: each field and variable is set and changed, and then the tool is "
        "given something else, or the plan says why not."
    )
    yield ""
    yield "- [Fields](#fields)"
    yield from (f"- [Variables and outputs of {name}](#{name})" for name in PLATFORMS)
    yield ""
    yield "## Fields"
    for path in fields():
        yield ""
        yield from _field(path)
    for platform in PLATFORMS.values():
        yield ""
        yield from _platform(platform)


def _field(path: str) -> Iterator[str]:
    yield f"### `{path}`"
    yield ""
    yield _wrapped(
        f"{fields()[path]} {_sentence(reference.values_of_field(path))} {_for(examples()[path])}"
    )
    yield ""
    yield "| on | | what becomes of it |"
    yield "|---|---|---|"
    meanings = reference.meanings_of_field(path)
    for meaning in meanings:
        names = "every platform" if len(meanings) == 1 else ", ".join(meaning.platforms)
        for use in meaning.uses:
            yield f"| {names} | {use.outcome} | {_cell(words_of(use))} |"
            names = ""
        if not meaning.uses:
            yield f"| {names} | | {_NOT_BUILT} |"
    for meaning in meanings:
        if meaning.examples:
            yield ""
            yield _wrapped(_for(meaning.examples, f"On {', '.join(meaning.platforms)} for example"))


def _platform(platform: Platform) -> Iterator[str]:
    yield f"## {platform.name}"
    yield ""
    if platform.build is None:
        yield f"{_sentence(_NOT_BUILT)}"
        return
    yield f"Builds the component `{platform.component}`."
    yield ""
    alike = f" {_all(platform.variable_uses)}" if platform.variable_uses else ""
    yield _wrapped(f"Variables (`metadata.variables`):{alike}")
    yield ""
    for variable in platform.variables:
        yield from _variable(variable)
    yield ""
    yield "| output | |"
    yield "|---|---|"
    yield from (f"| `{name}` | {_cell(each)} |" for name, each in platform.exports.items())


def _variable(variable: Variable) -> Iterator[str]:
    default = reference.default_of(variable)
    facts = [reference.values_of_variable(variable)]
    facts += [f"default {_code(default)}"] if default is not None else []
    facts += [
        f"default {_code(value)} in edition {edition}"
        for edition, value in reference.editions_of(variable).items()
    ]
    facts += ["may be known at deployment only"] if variable.late else []
    text = f"{_sentence('; '.join(facts))} {_sentence(variable.meaning)} {_for(variable.examples)}"
    yield _wrapped(f"- **`{variable.name}`**: {text} {_all(variable.uses)}".strip(), "  ")


def _all(uses: Iterable[Use]) -> str:
    return " ".join(f"*{use.outcome.capitalize()}*: {words_of(use)}." for use in uses)


def _for(values: Iterable[Any], start: str = "For example") -> str:
    found = " or ".join(map(_code, values))
    return f"{start} {found}." if found else ""


def _code(value: Any) -> str:
    return f"`{written(value)}`"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _wrapped(text: str, indent: str = "") -> str:
    """Return a paragraph in lines of 100 characters, with its spaces made single."""
    # Code is not broken, so its spaces are hidden meanwhile.
    parts = " ".join(text.split()).split("`")
    parts[1::2] = [code.replace(" ", "\0") for code in parts[1::2]]
    wrapped = textwrap.fill(
        "`".join(parts),
        100,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped.replace("\0", " ")


# --- what each tool builds ------------------------------------------------------------------------


def _support() -> Iterator[str]:
    titles = [_title(tool) for tool in TOOLS]
    yield "# What each tool builds"
    yield ""
    yield _MADE
    yield ""
    yield _wrapped(
        "A tool that cannot build what a job needs refuses it before anything is written. The "
        "conformance suite holds each tool to these tables."
    )
    yield ""
    yield "## Platforms"
    yield ""
    yield _row("", *titles)
    yield _row(*["---"] * (len(TOOLS) + 1))
    for name in PLATFORMS:
        yield _row(name, *(_answer(name, tool) for tool in TOOLS))
    yield ""
    yield from _reasons(
        (reason, tool, name)
        for tool in TOOLS
        for name, platform in PLATFORMS.items()
        if platform.build
        for reason in reference.refused_on(name, tool)
    )
    yield ""
    yield "## Kinds of resources"
    yield ""
    yield _row("", "what it is", *titles)
    yield _row(*["---"] * (len(TOOLS) + 2))
    for kind in KINDS:
        answers = ("no" if kind.__name__ in REFUSALS[tool] else "yes" for tool in TOOLS)
        yield _row(f"`{kind.__name__}`", _cell(reference.meaning_of(kind)), *answers)
    yield ""
    yield from _reasons(
        (reason, tool, f"`{kind}`")
        for tool, refused in REFUSALS.items()
        for kind, reason in refused.items()
    )
    yield ""
    yield "## What a tool leaves out"
    yield ""
    for tool, losses in LOSSES.items():
        for (kind, field), reason in losses.items():
            yield _wrapped(f"- {_title(tool)}, `{field}` of `{kind}`: {reason}.", "  ")


def _small_table() -> Iterator[str]:
    """Yield the table of the README: platforms with equal answers in one row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for name in PLATFORMS:
        rows.setdefault(tuple(_answer(name, tool) for tool in TOOLS), []).append(name)
    yield _row("", *map(_title, TOOLS))
    yield _row(*["---"] * (len(TOOLS) + 1))
    yield from (_row(", ".join(names), *answers) for answers, names in rows.items())


def _answer(platform: str, tool: str) -> str:
    if PLATFORMS[platform].build is None:
        return _NOT_BUILT
    return "no" if reference.refused_on(platform, tool) else "yes"


def _reasons(found: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """Yield each reason once, with the tool and all that it refuses for it."""
    alike: dict[tuple[str, str], list[str]] = {}
    for reason, tool, what in found:
        alike.setdefault((tool, reason), []).append(what)
    for (tool, reason), refused in alike.items():
        yield _wrapped(f"- {_title(tool)}, no {', '.join(refused)}: {reason}.", "  ")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _title(tool: str) -> str:
    return _TITLES.get(tool, tool.capitalize())


def main() -> None:
    """Write each file that is not as the tables say, and tell which."""
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
