-- Replay campaigns: a frozen set of messages that are made due wave by wave.
-- state: planned, running, paused, stopped (by its threshold), cancelled, finished.
-- wanted: what was asked for, as a person reads it. options: a JSON object. wave: what is being released; 0 is the canary.
-- holder: the process that releases, until held_until.
CREATE TABLE campaigns (
  id uuid PRIMARY KEY,
  state text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  created_by text NOT NULL,
  wanted text NOT NULL,
  options text NOT NULL,
  wave bigint NOT NULL DEFAULT 0,
  started_at bigint,
  ended_at bigint,
  changed_by text,
  reason text,
  holder uuid,
  held_until bigint
);
CREATE INDEX campaigns_by_state ON campaigns (state, created_at);

-- outcome: waiting, applied, already_applied, failed_again, held, discarded. why: of what failed again, or is held.
-- rehearsal: what the dry run would have sent, a JSON object; of those it tried.
CREATE TABLE campaign_messages (
  campaign uuid NOT NULL,
  message_id uuid NOT NULL,
  flow text COLLATE "C" NOT NULL,
  ordinal bigint NOT NULL,
  wave bigint NOT NULL,
  connection text NOT NULL,
  kind text NOT NULL,
  document text NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL DEFAULT 'waiting',
  released_at bigint,
  why text,
  rehearsal text,
  PRIMARY KEY (campaign, message_id, flow)
);
CREATE INDEX campaign_next ON campaign_messages (campaign, wave, ordinal) WHERE released_at IS NULL AND outcome = 'waiting';
CREATE INDEX campaign_running ON campaign_messages (campaign) WHERE released_at IS NOT NULL AND outcome = 'waiting';
CREATE INDEX campaign_outcomes ON campaign_messages (campaign, outcome, wave, ordinal);
