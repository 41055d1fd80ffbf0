-- People find documents by any of their names, in whatever case they write it.
CREATE INDEX document_names_folded ON document_names (lower(name));
-- Orders that could not be sent were in lists only.
INSERT INTO document_names (name, label, document)
SELECT number, 'order_number', document FROM progress WHERE number IS NOT NULL ON CONFLICT DO NOTHING;
