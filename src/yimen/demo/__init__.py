"""
A demo centre that looks alive on any day: invented people, real rules, everything through the real actions.

`centre` says what there is, `build` makes it with some days of history, `life` goes on while the demo runs.
"""
