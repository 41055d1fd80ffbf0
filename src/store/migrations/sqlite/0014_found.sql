-- The trail is found by whatever part of it somebody knows, however long it is. Names are as long as whoever made them likes;
-- entries of an index are not.
CREATE INDEX trail_by_who ON trail (substr(who, 1, 200), n);
CREATE INDEX trail_by_action ON trail (action, n);
CREATE INDEX trail_by_flow ON trail (flow, n) WHERE flow IS NOT NULL;
CREATE INDEX trail_by_connection ON trail (substr(connection, 1, 200), n) WHERE connection IS NOT NULL;
CREATE INDEX trail_by_time ON trail (at, n);

-- What filters of lists ask stands in the index by which these are read, so that whatever is not on the page is never fetched.
DROP INDEX exceptions_by_state;
CREATE INDEX exceptions_by_state ON exceptions (state, priority, message_id, flow, connection, code, fingerprint, first_seen_at);
DROP INDEX progress_by_state;
CREATE INDEX progress_by_state ON progress (state, released_at, document, warehouse);
