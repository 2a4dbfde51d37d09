"""Units in stacks of Pulumi: deployed, previewed, destroyed, and asked for their outputs.

By the Automation API, which runs the Pulumi CLI with a program inside this process. The stack is
the one that `pulumi up` on the project's program works on: its configuration says which jobs are
its own, and each can go on with what the other did. Start with `open_engine`. What the functions
return is in `adapters/results.py`. One module below for each function, and:

- `engine`: the CLI, its project and its stacks; `state`: what a stack has built;
- `program`: what is run, and which job each registration comes from;
- `told`: the engine's events, as changes and diagnostics.

Source: https://www.pulumi.com/docs/iac/automation-api/
"""

from dativo_infra.adapters.pulumi.deploy.deploying import deploy, preview
from dativo_infra.adapters.pulumi.deploy.destroying import destroy, doomed, orphans
from dativo_infra.adapters.pulumi.deploy.engine import Engine, Stack, open_engine
from dativo_infra.adapters.pulumi.deploy.outputs import outputs

__all__ = [
    "Engine",
    "Stack",
    "deploy",
    "destroy",
    "doomed",
    "open_engine",
    "orphans",
    "outputs",
    "preview",
]
