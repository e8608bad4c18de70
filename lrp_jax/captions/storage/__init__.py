"""What training and explaining keep on disk: files written whole or not at all, locks, shards of records."""
