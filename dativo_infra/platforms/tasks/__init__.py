"""What ECS on EC2 and on Fargate have in common; each module holds one thing.

`task` puts them together: what a job runs in, and what starts it.
"""
