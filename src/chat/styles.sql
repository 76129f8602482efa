-- How a message is meant, if not as it is: as what its author does, or as a poll.
ALTER TABLE messages ADD COLUMN style TEXT CHECK (style IN ('action', 'poll'));
