"""
How fast it is, beside the same SQL sent raw to the same database in the same run: `make bench`.

Figures, never a test: what they were on which machine is in docs/speed.md.
"""
