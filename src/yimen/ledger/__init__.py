"""
The one append-only history: who did what, when; the statistics' source and the outbox.

Write with `actions.record`, read along with `followers.follow`, check with `verify.check`.
Not for: state. A case's state is its own columns; the ledger says how it got there.
"""
