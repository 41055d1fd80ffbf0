-- Replay campaigns: a frozen set of messages that are made due wave by wave.
-- state: planned, running, paused, stopped (by its threshold), cancelled, finished.
-- wanted: what was asked for, as a person reads it. options: a JSON object. wave: what is being released; 0 is the canary.
-- holder: the process that releases, until held_until.
CREATE TABLE campaigns (
  id BLOB PRIMARY KEY,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  wanted TEXT NOT NULL,
  options TEXT NOT NULL,
  wave INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  ended_at INTEGER,
  changed_by TEXT,
  reason TEXT,
  holder BLOB,
  held_until INTEGER
);
CREATE INDEX campaigns_by_state ON campaigns (state, created_at);

-- outcome: waiting, applied, already_applied, failed_again, held, discarded. why: of what failed again, or is held.
-- rehearsal: what the dry run would have sent, a JSON object; of those it tried.
CREATE TABLE campaign_messages (
  campaign BLOB NOT NULL,
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  wave INTEGER NOT NULL,
  connection TEXT NOT NULL,
  kind TEXT NOT NULL,
  document TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  outcome TEXT NOT NULL DEFAULT 'waiting',
  released_at INTEGER,
  why TEXT,
  rehearsal TEXT,
  PRIMARY KEY (campaign, message_id, flow)
);
CREATE INDEX campaign_next ON campaign_messages (campaign, wave, ordinal) WHERE released_at IS NULL AND outcome = 'waiting';
CREATE INDEX campaign_running ON campaign_messages (campaign) WHERE released_at IS NOT NULL AND outcome = 'waiting';
CREATE INDEX campaign_outcomes ON campaign_messages (campaign, outcome, wave, ordinal);
