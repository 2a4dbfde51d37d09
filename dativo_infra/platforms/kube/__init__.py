"""What the platforms on Kubernetes have in common; each module holds one thing.

`objects` puts them together: what a job adds in its namespace, whatever then runs there.
"""
