"""
Running the place: for now, the rules it works by (制度文件) with number, version, date and approver.

Not here: what a citizen can apply for (catalog), what happens in the hall (hall).
"""
