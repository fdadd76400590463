"""
Messages to send to applicants, and the channels that send them.

Not here: who is due for what (cases.proactive), papers the law wants (cases.Notice).
"""
