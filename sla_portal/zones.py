"""Time zone data: always that of the pinned tzdata package, whatever the system has."""

import zoneinfo

import tzdata

RELEASE = tzdata.IANA_VERSION
"""The release of the IANA time zone database, such as 2026f."""

# Python prefers the system's files, which may lack what was decided since. What was read of them already is forgotten.
zoneinfo.reset_tzpath(to=[])
zoneinfo.ZoneInfo.clear_cache()
