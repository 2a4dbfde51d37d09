"""Stacks in an account: deployed, previewed, destroyed, and asked for their outputs.

Start with `open_session` and `clients_of`; every function takes the clients. `account_of` tells
early what is wrong with credentials, region or endpoint. What they return is in
`adapters/results.py`. One module below for each function, and:

- `connection`: sessions and clients; `watch`: looking at a stack and waiting for it;
- `deployed`: what its template says;
- `states`: those that take no change, explained;
- `templates`: what a request needs of a unit; `change_sets` and `changes`: what would change.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from dativo_infra.adapters.cloudformation.deploy.connection import (
    Clients,
    account_of,
    clients_of,
    open_session,
)
from dativo_infra.adapters.cloudformation.deploy.deploying import deploy
from dativo_infra.adapters.cloudformation.deploy.destroying import DoomedStack, destroy, doomed
from dativo_infra.adapters.cloudformation.deploy.orphaned import orphans
from dativo_infra.adapters.cloudformation.deploy.outputs import outputs
from dativo_infra.adapters.cloudformation.deploy.previewing import preview
from dativo_infra.adapters.cloudformation.deploy.templates import TemplateBucket

__all__ = [
    "Clients",
    "DoomedStack",
    "TemplateBucket",
    "account_of",
    "clients_of",
    "deploy",
    "destroy",
    "doomed",
    "open_session",
    "orphans",
    "outputs",
    "preview",
]
