"""Compute the figures of a service month from the outages of a region, with a reason for every minute.

All functions are pure and exact. Instants are whole seconds since the epoch, spans half-open, figures
integers or fractions. A region is judged once (`judge`); its customers differ only in their service days
(`figures`) and in the time that section 4 excludes for one of them alone (`for_customer`).
"""

from .exclusions import EVERYTHING, ExcludedTime, ScopedOutage, cells, covered_by_notice
from .figures import (
    FailureEvent,
    MonthFigures,
    ReadingFigures,
    TermsInTurn,
    availability,
    compared,
    cut,
    error_budget,
    figures,
)
from .judgement import Judgement, Unavailability, for_customer, judge
from .reasons import Reason, Shade, Why, explain, picture
from .runs import MinuteRun, MinuteSums, minute_runs, minute_sums
from .status import FigureStatus, MonthStatus, Pending, month_status, stored_status, with_undecided_exclusion

__all__ = [
    "EVERYTHING",
    "ExcludedTime",
    "FailureEvent",
    "FigureStatus",
    "Judgement",
    "MinuteRun",
    "MinuteSums",
    "MonthFigures",
    "MonthStatus",
    "Pending",
    "ReadingFigures",
    "Reason",
    "ScopedOutage",
    "Shade",
    "TermsInTurn",
    "Unavailability",
    "Why",
    "availability",
    "cells",
    "compared",
    "covered_by_notice",
    "cut",
    "error_budget",
    "explain",
    "figures",
    "for_customer",
    "judge",
    "minute_runs",
    "minute_sums",
    "month_status",
    "picture",
    "stored_status",
    "with_undecided_exclusion",
]
