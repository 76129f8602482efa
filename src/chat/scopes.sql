-- What a token is good for; nothing for everything that its person may.
ALTER TABLE tokens ADD COLUMN scopes TEXT;
