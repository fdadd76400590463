"""
Certificates issued: their numbers, validity and states, and the signature adapter that seals documents.

Not here: who decided (cases); this room keeps a case's number as text.
"""
