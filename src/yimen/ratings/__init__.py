"""
好差评: five named levels, once per visit or matter, by invitation link.

Follows the ledger for finished visits and cases. Not for: complaints and call-backs (supervision).
"""
