"""Lengths in metres."""
from units.old import OLD
from units.table import METRES


def metres(amount, unit):
    """`metres(3, "foot")` is 0.9144; a unit that is not known raises KeyError."""
    return amount * {**OLD, **METRES}[unit]
