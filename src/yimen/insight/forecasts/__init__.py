"""
How long people will wait, as ranges with a known share of right ones: see docs/forecast.md.

Reads the hall, is read by the web. `of_hall` gives a whole hall at once; everything that computes is pure.
"""

from yimen.insight.forecasts.ranges import Forecast, Range
from yimen.insight.forecasts.reads import of_hall

__all__ = ["Forecast", "Range", "of_hall"]
