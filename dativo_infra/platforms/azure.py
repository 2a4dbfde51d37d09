"""What Azure's identifiers look like, and what they tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NAME = "[A-Za-z0-9_][A-Za-z0-9._-]*"


def _id(*types: str) -> str:
    """Return the pattern of a resource id of one of the types, whose case does not matter."""
    either = "|".join(types)
    return f"(?i:/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.(?:{either}))"


_VNET = rf"Network/virtualNetworks/{_NAME}"
_VAULT = r"https://[a-zA-Z0-9-]+\.(?:vault|managedhsm)\.(?:azure\.net|azure\.cn|usgovcloudapi\.net)"
_OBJECT = "[A-Za-z0-9-]+(?:/[0-9a-f]{32})?"
"""A secret or a key of a vault, with or without its version."""
_CONTAINER = "[a-z0-9](?:-?[a-z0-9]){2,62}"
_STORE = r"[a-z0-9]{3,24}\.(?:blob|dfs)\.core\.[a-z.]+"
IDENTITY = _id(rf"ManagedIdentity/userAssignedIdentities/{_NAME}")
SHAPES: Mapping[str, tuple[str, str]] = {
    "runtime.network.vpc_id": (
        "the id or the name of a virtual network",
        f"{_id(_VNET)}|{_NAME}",
    ),
    "runtime.network.subnet_ids": (
        "the id or the name of a subnet",
        f"{_id(f'{_VNET}/subnets/{_NAME}')}|{_NAME}",
    ),
    "runtime.network.security_group_ids": (
        "the id or the name of a network or application security group",
        f"{_id(f'Network/(?:network|application)SecurityGroups/{_NAME}')}|{_NAME}",
    ),
    "runtime.storage.bucket": (
        "a container of a storage account, by its name or URL",
        f"{_CONTAINER}|(?:abfss?|wasbs?)://{_CONTAINER}@{_STORE}(?:/.*)?|https://{_STORE}/{_CONTAINER}",
    ),
    "runtime.service_account": (
        "a plain name, a client id or the id of a managed identity",
        f"[^/]+|{IDENTITY}",
    ),
    "resources.secrets.secret_manager_arn": (
        "the URL or the id of a key vault, or of a secret in one",
        f"{_VAULT}(?:/secrets/{_OBJECT})?/?|{_id('KeyVault/vaults/[^/]+(?:/secrets/[^/]+)?')}",
    ),
    "resources.secrets.kms_key_id": (
        "the URL or the id of a key in a key vault",
        f"{_VAULT}/keys/{_OBJECT}/?|{_id('KeyVault/(?:vaults|managedHSMs)/[^/]+/keys/[^/]+')}",
    ),
    "resources.queue.arn": (
        "the id of a queue, a topic or an event hub",
        _id("ServiceBus/namespaces/.+", "EventHub/namespaces/.+", "Storage/storageAccounts/.+"),
    ),
}
"""For each field what it should be, and its pattern.

Sources: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules,
https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates,
https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-introduction-abfs-uri
"""
_SUBSCRIPTION = re.compile(r"/subscriptions/(?P<subscription>[^/]+)/.+", re.IGNORECASE)


def other_place(name: Any, subscription: str | None, _: str | None) -> str | None:
    """Return the subscription that an id names, where it is another than the target's.

    Ids of Azure name no region.
    """
    match = _SUBSCRIPTION.fullmatch(name) if isinstance(name, str) else None
    if match and subscription and match["subscription"].lower() != subscription.lower():
        return f"subscription {match['subscription']}"
    return None
