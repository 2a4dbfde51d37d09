"""AWS CloudFormation: units as stacks, written as templates or deployed.

`synth` writes templates; the package `deploy` (apart, as it needs boto3) deploys, previews and
destroys stacks; `local` runs it against CloudFormation embedded in the process.
"""

from dativo_infra.adapters.cloudformation.synth import synth
from dativo_infra.adapters.cloudformation.template import is_protected, to_template

__all__ = ["is_protected", "synth", "to_template"]
