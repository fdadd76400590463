"""
A case (办件) from receipt to delivery: materials, tasks, clocks, notices, decision.

Clocks are computed, never edited (`rules`). Not for: the queue in the hall, ratings, certificates.
"""
