-- Few exceptions have a tag, or somebody who was named for them: whoever asks for these reads no others.
CREATE INDEX exceptions_owned ON exceptions (state, priority, message_id, flow) WHERE owner IS NOT NULL;
CREATE INDEX exceptions_tagged ON exceptions (state, priority, message_id, flow) WHERE tags <> '[]';
