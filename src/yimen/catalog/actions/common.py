"""What all writes of the catalogue share."""

# The fewest characters a reason must have.
LEAST_REASON = 4
CODE_SCHEME = "item_code_scheme"
