-- Queries of projections/sessions.py. Times are passed in.

-- name: begin
INSERT INTO web_session (secret_sha256, reader, agency, roles, credential_id, begun_at, expires_at)
VALUES (%(secret_sha256)s, %(reader)s, %(agency)s, %(roles)s, %(credential_id)s, %(now)s,
        %(expires_at)s);

-- name: found
-- A session ends with the credential by which it began.
SELECT one.reader, one.agency, one.roles
  FROM web_session AS one
  LEFT JOIN credential USING (credential_id)
 WHERE one.secret_sha256 = %(secret_sha256)s
   AND one.expires_at > %(now)s
   AND (one.credential_id IS NULL
        OR (credential.revoked_at IS NULL AND credential.expires_at > %(now)s));

-- name: end
DELETE FROM web_session WHERE secret_sha256 = %(secret_sha256)s;

-- name: forget
DELETE FROM web_session WHERE expires_at <= %(now)s;
