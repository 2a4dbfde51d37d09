"""`outputs`: what deployed stacks give, by the names that jobs use."""

from __future__ import annotations

from threading import Event as Flag
from typing import TYPE_CHECKING

from dativo_infra.adapters.cloudformation.deploy.connection import explained
from dativo_infra.adapters.cloudformation.deploy.deployed import outputs_of
from dativo_infra.adapters.cloudformation.deploy.watch import NOT_CREATED, Watch, is_ours
from dativo_infra.adapters.cloudformation.values import output_name
from dativo_infra.adapters.pool import CONCURRENCY, Task, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dativo_infra.adapters.cloudformation.deploy.connection import Clients
    from dativo_infra.names import Identity
    from dativo_infra.planning.result import Unit

_NEVER = NOT_CREATED | {"CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"}


@explained()
def outputs(
    units: Iterable[Unit], *, clients: Clients, concurrency: int = CONCURRENCY
) -> dict[Identity, Mapping[str, str] | None]:
    """Return the outputs of each unit's stack, by the names that jobs use.

    Args:
        units: What to ask for; a unit without resources has no stack, and is left out.
        clients: Gives the client for a unit's target.
        concurrency: How many stacks are asked at once.

    Returns:
        The outputs by identity; None where the stack is not deployed.

    Raises:
        DiagnosticError: CloudFormation cannot be asked.
        InterruptedRunError: Ctrl-C.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Output.html
    """
    stop = Flag()

    def task(unit: Unit) -> Task[Mapping[str, str] | None]:
        def work() -> Mapping[str, str] | None:
            _, described = Watch(client=clients(unit.target), stop=stop).find(unit)
            if described.get("StackStatus") in _NEVER or not is_ours(described):
                return None
            return outputs_of(described, {output_name(name): name for name in unit.exports})

        return Task(key=unit.identity, work=work, skip=lambda _: None)

    units = [unit for unit in units if unit.resources]
    found = run(
        [task(unit) for unit in units],
        failed=lambda _: False,
        stop=stop,
        concurrency=concurrency,
    )
    return dict(zip([unit.identity for unit in units], found, strict=True))
