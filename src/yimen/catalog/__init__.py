"""
What can be applied for and under which rules: items and their versions, materials, flows, the work calendar, search.

A running case keeps the version it was accepted under (ITEM-16). Not for: cases themselves.
"""
