-- The dry run of a campaign. rehearsed: asked, until it was made; then what it came to: would_apply, would_wait, would_fail,
-- not_ours, behind, gone. Nothing where none is asked for.
ALTER TABLE campaign_messages ADD COLUMN rehearsed TEXT;
CREATE INDEX campaign_rehearsals ON campaign_messages (campaign, wave, ordinal) WHERE rehearsed = 'asked';
