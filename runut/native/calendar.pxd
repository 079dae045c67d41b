# cython: language_level=3
"""Days of the Gregorian calendar, from the year 1 to 9999."""


cdef inline long long days_since_1970(int year, int month, int day) noexcept:
    """A year is counted from March, so that leap days come last."""
    cdef long long years = year - 1 if month <= 2 else year
    cdef long long days = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * years + years // 4 - years // 100 + years // 400 + days - 719468
