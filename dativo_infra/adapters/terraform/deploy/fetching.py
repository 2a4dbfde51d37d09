"""Getting modules from their sources, to learn what they take."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from dativo_infra.adapters.terraform.deploy.binary import Binary
    from dativo_infra.platforms.terraform import Address

_AT_ONCE = 4
_CALL = "module"


class Fetcher:
    """Fetches modules into folders that are there until it is closed.

    A root that calls a module and gives it nothing is enough for `terraform get`, which needs no
    provider. The program is looked for when there is something to fetch.
    """

    def __init__(self, find: Callable[[], Binary]) -> None:
        self._find = find
        self._folders = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._folders.close()

    def __call__(self, addresses: Iterable[Address]) -> Mapping[Address, Path | str]:
        """Return for each module its folder, or why it cannot be had.

        Raises:
            DiagnosticError: there is no program to fetch with.
        """
        wanted = list(addresses)
        binary = self._find()
        folders = [
            Path(self._folders.enter_context(TemporaryDirectory(prefix="dativo-infra-")))
            for _ in wanted
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda *where: _fetch(binary, *where), wanted, folders)
            return dict(zip(wanted, found, strict=True))


def _fetch(binary: Binary, address: Address, folder: Path) -> Path | str:
    call: dict[str, Any] = {"source": address.source}
    if address.version is not None:
        call["version"] = address.version
    (folder / "main.tf.json").write_text(json.dumps({"module": {_CALL: call}}))
    done = binary.run(folder, "get", "-no-color")
    if done.code:
        return done.why
    listed = json.loads((folder / ".terraform" / "modules" / "modules.json").read_text())
    return next(folder / each["Dir"] for each in listed["Modules"] if each["Key"] == _CALL)
