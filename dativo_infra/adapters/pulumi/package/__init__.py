"""The component package: what programs in other languages get the components from.

    pulumi package add PATH/TO/dativo_infra/adapters/pulumi/package

Pulumi's own host drops what it does not know or expect, without a word; this one refuses it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pulumi import InputPropertiesError, InputPropertyError
from pulumi.provider import main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from dativo_infra.adapters.pulumi.components import (
    COMPONENTS,
    JobArgs,
    KubernetesJobArgs,
    KubernetesNamespaceArgs,
    KubernetesServiceAccountArgs,
)
from dativo_infra.diagnostics import DiagnosticError, did_you_mean

if TYPE_CHECKING:
    import pulumi
    from pulumi.provider import ConstructResult
    from pulumi.provider.experimental.analyzer import PropertyDefinition

NAME = "dativo"

_BASES = (JobArgs, KubernetesNamespaceArgs, KubernetesServiceAccountArgs, KubernetesJobArgs)


class Package(ComponentProvider):
    """Serves the components to the engine, with the schema that their annotations make."""

    def __init__(self) -> None:
        super().__init__([*COMPONENTS.values()], NAME, version=version("dativo-infra"))
        schema = json.loads(self.schema or "")
        for token, resource in schema["resources"].items():
            names = self._component_defs[token.rpartition(":")[2]].inputs_mapping
            for key, each in resource["inputProperties"].items():
                # The analyzer describes a class's own fields only.
                each.setdefault("description", self._inherited(names[key]))
        self.schema = json.dumps(schema)

    def _inherited(self, field: str) -> str | None:
        texts = (self.analyzer.get_docstring(each, field) for each in _BASES)
        return next(filter(None, texts), None)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Build a component.

        Raises:
            InputPropertiesError: its inputs describe no job that the component builds.
        """
        try:
            return super().construct(name, resource_type, _whole(inputs), options)
        except ComponentInitError as error:
            if isinstance(error.inner, DiagnosticError | TypeError | ValueError):
                raise InputPropertiesError(str(error.inner), []) from error
            raise

    def map_input_properties(
        self,
        inputs: pulumi.Inputs,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> pulumi.Inputs:
        """Return inputs by their names in Python.

        Raises:
            InputPropertyError: there is one that is not known, or of another shape.
        """
        for key, value in inputs.items():
            path = f"{property_path}.{key}" if property_path else key
            if key not in properties:
                reason = f"{component_name} has no such input. {did_you_mean(key, properties)}"
                raise InputPropertyError(path, reason.rstrip())
            if properties[key].ref and not isinstance(value, Mapping | None):
                reason = "It must be an object that is known when previewing."
                raise InputPropertyError(path, reason)
        return super().map_input_properties(
            inputs, properties, mapping, component_name, property_path
        )


def _whole(value: Any) -> Any:
    """Return data with whole numbers as such: on the wire all numbers are floats."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def host() -> None:
    """Serve the package, as the engine's arguments say."""
    main(Package(), sys.argv[1:])
