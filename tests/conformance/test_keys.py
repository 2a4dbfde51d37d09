"""What an example's resources are called never changes: a changed key replaces a cluster.

After a change that is meant, write the list anew, and read the difference:

    DATIVO_INFRA_WRITE_KEYS=1 python -m pytest tests/conformance/test_keys.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cases

from dativo_infra.adapters.manifests.layout import Folder
from dativo_infra.adapters.terraform.native import to_root
from dativo_infra.names import STACK

GOLDEN = Path(__file__).parent / "keys.json"


def keys() -> dict[str, Any]:
    """Return the names of all examples: of their units, and by key of their resources.

    Which tool owns an example is passed over: it may be another one some day.
    """
    found: dict[str, Any] = {}
    stacks = {unit.identity: unit for unit in cases.examples("cloudformation").units}
    for unit in cases.examples("pulumi").units:
        name = cases.label(unit)
        reader = cases.reader(name)
        entry: dict[str, Any] = {"component": f"{reader.component.type} {reader.component.name}"}
        logical_ids: dict[str, str] = {}
        if unit.identity in stacks:
            entry["stack"] = stacks[unit.identity].name(STACK)
            for logical_id, body in cases.template(name)["Resources"].items():
                logical_ids[body["Metadata"]["DativoInfra"]["key"]] = logical_id
        if unit.component.startswith("Kubernetes"):
            entry["manifests"] = Folder(unit=unit).path
        addresses: dict[str, list[str]] = {}
        for address, resource in to_root(unit).addresses.items():
            addresses.setdefault(resource.key, []).append(address)
        entry["resources"] = {
            key: {
                **({"logical_id": logical_ids[key]} if key in logical_ids else {}),
                "pulumi": [f"{each.type} {each.name}" for each in folded.registrations],
                "terraform": addresses[key],
            }
            for key, folded in sorted(reader.folded.items())
        }
        found[name] = entry
    return found


def test_names_are_those_that_were_deployed() -> None:
    """Keys, logical ids and Pulumi names of the examples are as in the list."""
    text = json.dumps(keys(), indent=2) + "\n"
    if os.environ.get("DATIVO_INFRA_WRITE_KEYS"):
        GOLDEN.write_text(text)
    assert json.loads(text) == json.loads(GOLDEN.read_text())
