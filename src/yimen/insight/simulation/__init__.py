"""
Queues simulated: one discrete-event kernel for replays, waiting forecasts and staffing, and the closed formulas.

Pure: no Django, no clock, no chance but the seed's. docs/forecast.md says how it is used.
"""
