-- version: rises with everything that people set and whenever it fails again, so that whoever sets something can say what was seen.
ALTER TABLE exceptions ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- items: what its message is about, as far as that is known; a JSON list of item numbers and SKUs.
ALTER TABLE parked ADD COLUMN items TEXT NOT NULL DEFAULT '[]';
ALTER TABLE exceptions ADD COLUMN items TEXT NOT NULL DEFAULT '[]';

-- The same, to find exceptions by. Kept by the table itself: nothing writes it beside.
CREATE TABLE exception_items (
  item TEXT NOT NULL,
  message_id BLOB NOT NULL,
  flow TEXT NOT NULL,
  PRIMARY KEY (item, message_id, flow)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_of_exception ON exception_items (message_id, flow);

CREATE TRIGGER exception_has_items AFTER INSERT ON exceptions WHEN NEW.items <> '[]' BEGIN
  INSERT OR IGNORE INTO exception_items (item, message_id, flow)
  SELECT value, NEW.message_id, NEW.flow FROM json_each(NEW.items);
END;
CREATE TRIGGER exception_has_other_items AFTER UPDATE OF items ON exceptions WHEN NEW.items <> OLD.items BEGIN
  DELETE FROM exception_items WHERE message_id = NEW.message_id AND flow = NEW.flow;
  INSERT OR IGNORE INTO exception_items (item, message_id, flow)
  SELECT value, NEW.message_id, NEW.flow FROM json_each(NEW.items);
END;
