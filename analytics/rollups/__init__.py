"""Facts into buckets: told in the commit they happen in, added up within a second, recounted."""
