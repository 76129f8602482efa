-- All rooms by name but direct ones, of which there may be many more: for admins.
CREATE INDEX rooms_open ON rooms (name) WHERE kind <> 'direct' AND deleted_at IS NULL;
