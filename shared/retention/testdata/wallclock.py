"""The day, counted by others: dateutil for the period, zoneinfo for the clock.

python wallclock.py ZONEINFO_ZIP reads questions and writes an answer to each,
one a line, with instants as seconds since 1970:

    zone NAME          from here on, in this zone of the archive (no answer)
    due PERIOD START   ->  LASTDAY DUEFROM
    cutoff PERIOD NOW  ->  the first start that is not due at NOW

It looks instants up by going forward until the clock on the wall shows what is
looked for, minute by minute: since 1972 every offset is one of whole minutes.
"""

import functools
import sys
import zipfile
import zoneinfo
from datetime import date, datetime, time, timedelta, timezone

from dateutil.relativedelta import relativedelta

MINUTE, HOUR, DAY = 60, 3600, 86400


@functools.cache
def length(period):
    unit = {"Y": "years", "M": "months", "D": "days"}[period[-1]]
    return relativedelta(**{unit: int(period[1:-1])})


@functools.cache
def last_day(day, period):
    return day + length(period)


class Clock:
    """A clock on the wall of one zone."""

    def __init__(self, zone):
        self.zone = zone
        self.first_after = functools.cache(self.first_after)

    def shows(self, instant):
        return datetime.fromtimestamp(instant, self.zone)

    def offset(self, instant):
        return self.shows(instant).utcoffset()

    def day(self, instant):
        """The latest date that the clock has shown by then. Where it went back
        over midnight less than three hours ago, the day stays begun."""
        latest = self.shows(instant).date()
        if self.offset(instant) < self.offset(instant - 3 * HOUR):
            for minutes in range(181):
                latest = max(latest, self.shows(instant - minutes * MINUTE).date())
        return latest

    def offset_around(self, noon):
        """The greatest offset of the days before and after."""
        around = range(noon - DAY * 3 // 2, noon + 2 * DAY, DAY)
        return int(max(map(self.offset, around)).total_seconds())

    def first_after(self, day):
        """The first instant at which the clock shows a later date. Nowhere is
        that before midnight comes to where clocks are furthest ahead."""
        midnight = at_utc(day + timedelta(days=1))
        instant = midnight - self.offset_around(midnight - DAY // 2)
        while self.shows(instant).date() <= day:
            instant += MINUTE
        return instant

    def due(self, period, start):
        last = last_day(self.day(start), period)
        return last, self.first_after(last)

    def cutoff(self, period, now):
        """Every start before it is due now; it is not."""
        start = at_utc(self.shows(now).date() - length(period)) - 4 * DAY
        for step in (DAY, HOUR, MINUTE):
            while self.due(period, start)[1] <= now:
                start += step
            if step > MINUTE:
                start -= step
        return start


def at_utc(day):
    return int(datetime.combine(day, time(), timezone.utc).timestamp())


def main():
    archive = zipfile.ZipFile(sys.argv[1])
    clock = None
    for line in sys.stdin:
        question, *said = line.split()
        if question == "zone":
            with archive.open(said[0]) as data:
                clock = Clock(zoneinfo.ZoneInfo.from_file(data, said[0]))
        elif question == "due":
            last, due_from = clock.due(said[0], int(said[1]))
            print(f"{last} {due_from}")
        elif question == "cutoff":
            print(clock.cutoff(said[0], int(said[1])))


main()
