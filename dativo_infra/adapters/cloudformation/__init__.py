"""AWS CloudFormation: units as stacks, written as templates or deployed.

`synth` writes templates; `deploy` (in the module of that name, as it needs boto3) creates and
updates stacks; `local` runs both against CloudFormation embedded in the process.
"""

from dativo_infra.adapters.cloudformation.synth import synth
from dativo_infra.adapters.cloudformation.template import is_protected, to_template

__all__ = ["is_protected", "synth", "to_template"]
