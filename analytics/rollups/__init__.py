"""Facts into buckets: recorded in their own commit, added up within a second, recounted."""
