"""Adapters: one folder a tool, each translating a plan into the tool's own form."""
