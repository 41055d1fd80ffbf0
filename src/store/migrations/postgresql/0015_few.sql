-- Few exceptions have a tag, or somebody who was named for them: whoever asks for these reads no others.
CREATE INDEX exceptions_owned ON exceptions (state, priority, message_id, flow) WHERE owner IS NOT NULL;
CREATE INDEX exceptions_tagged ON exceptions (state, priority, message_id, flow) WHERE tags <> '[]';

-- Newest first, in an order that the primary key does not have: of two, the server takes that one, and reads past all that
-- others did to find what few did.
DROP INDEX trail_by_who;
DROP INDEX trail_by_action;
DROP INDEX trail_by_flow;
DROP INDEX trail_by_connection;
CREATE INDEX trail_by_who ON trail (substr(who, 1, 200), (-n));
CREATE INDEX trail_by_action ON trail (action, (-n));
CREATE INDEX trail_by_flow ON trail (flow, (-n)) WHERE flow IS NOT NULL;
CREATE INDEX trail_by_connection ON trail (substr(connection, 1, 200), (-n)) WHERE connection IS NOT NULL;
