"""Files on disk: atomic writes, locks, shards of records."""
