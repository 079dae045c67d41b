-- Queries of projections/notices.py.

-- name: enqueue
INSERT INTO notice (notice_id, agency, kind, subject, about, due_at, made_at)
VALUES (%(notice_id)s, %(agency)s, %(kind)s, %(subject)s, %(about)s, %(due_at)s, %(made_at)s)
ON CONFLICT (notice_id) DO NOTHING;
