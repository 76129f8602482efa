-- When each was used last, to the hour.
ALTER TABLE tokens ADD COLUMN used_at INTEGER;
