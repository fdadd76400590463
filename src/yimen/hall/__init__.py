"""
The hall: windows, series, tickets and who is called next; what the screens show.

Ticket numbers come from a counter row, calls from one short transaction: never two windows with one ticket.
"""
