-- Query of projections/read_record.py.

-- name: record
INSERT INTO read_record (read_at, reader, agency, subject, event_id, security, route)
VALUES (%(read_at)s, %(reader)s, %(agency)s, %(subject)s, %(event_id)s, %(security)s, %(route)s);
