"""Arguments that Terraform's providers and those of Pulumi that bridge them have alike.

They are named as in Terraform, and hold tokens, which each adapter lowers in its own way.
"""
