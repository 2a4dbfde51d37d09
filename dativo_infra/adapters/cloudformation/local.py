"""CloudFormation embedded in the process, for trying a deployment without an account.

It is moto's, and shows the way of a deployment (change sets, outputs, tags), never that AWS would
accept a template. `embedded` fills two of its gaps; what else it leaves out is in `GAPS`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws
from moto.cloudformation.models import ChangeSet
from moto.cloudformation.parsing import OutputMap
from moto.s3.models import FakeBucket

from dativo_infra.adapters.cloudformation.template import METADATA

if TYPE_CHECKING:
    import boto3

    from dativo_infra.adapters.cloudformation.deploy import StackResult
