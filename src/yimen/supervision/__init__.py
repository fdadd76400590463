"""
Electronic supervision (电子监察): cards by dated rules, the board of what is due, walk-throughs of leaders.

It reads cases and changes nothing in them (SUP-12).
"""
