-- mapping_version: by which version of the mapping it was planned last. What waits for a thing that a newer version may bring is
-- looked at by it, whoever made that version and whoever died meanwhile.
ALTER TABLE parked ADD COLUMN mapping_version bigint NOT NULL DEFAULT 0;
CREATE INDEX parked_planned ON parked (mapping_version) WHERE waits_for + 0 = 3 AND awaited IS NOT NULL AND due_at IS NULL;
