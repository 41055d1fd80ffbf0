-- version: rises with everything that people set and whenever it fails again, so that whoever sets something can say what was seen.
ALTER TABLE exceptions ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- items: what its message is about, as far as that is known; a JSON list of item numbers and SKUs.
ALTER TABLE parked ADD COLUMN items text NOT NULL DEFAULT '[]';
ALTER TABLE exceptions ADD COLUMN items text NOT NULL DEFAULT '[]';

-- The same, to find exceptions by. Kept by the table itself: nothing writes it beside.
CREATE TABLE exception_items (
  item text NOT NULL,
  message_id uuid NOT NULL,
  flow text NOT NULL,
  PRIMARY KEY (item, message_id, flow)
);
CREATE INDEX items_of_exception ON exception_items (message_id, flow);

CREATE FUNCTION exception_has_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM exception_items i WHERE i.message_id = NEW.message_id AND i.flow = NEW.flow;
  END IF;
  INSERT INTO exception_items (item, message_id, flow)
  SELECT item, NEW.message_id, NEW.flow FROM jsonb_array_elements_text(NEW.items::jsonb) AS item
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER exception_has_items AFTER INSERT ON exceptions FOR EACH ROW WHEN (NEW.items <> '[]')
  EXECUTE FUNCTION exception_has_items();
CREATE TRIGGER exception_has_other_items AFTER UPDATE OF items ON exceptions FOR EACH ROW WHEN (NEW.items <> OLD.items)
  EXECUTE FUNCTION exception_has_items();
