"""
Faults injected into a whole platform under load, and what was lost: `make faults`, `python -m yimen.faults`.

Each check prints its four figures: load held / faults survived / bad inputs tried / lost.
"""
