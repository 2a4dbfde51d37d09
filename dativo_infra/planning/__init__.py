"""Planning."""

from dativo_infra.planning.result import Plan, Unit

__all__ = ["Plan", "Unit"]
