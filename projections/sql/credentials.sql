-- Queries of projections/credentials.py. Times are passed in.

-- name: add
INSERT INTO credential (credential_id, agency, name, roles, may_force, secret_sha256,
                        created_at, created_by, expires_at)
VALUES (%(credential_id)s, %(agency)s, %(name)s, %(roles)s, %(may_force)s, %(secret_sha256)s,
        %(now)s, %(by)s, %(expires_at)s);

-- name: revoke
-- Once: who did it first stays.
UPDATE credential
   SET revoked_at = coalesce(revoked_at, %(now)s), revoked_by = coalesce(revoked_by, %(by)s)
 WHERE credential_id = %(credential_id)s
RETURNING credential_id, agency, name, roles, may_force, created_at, created_by, expires_at,
          revoked_at, revoked_by, last_used_at;

-- name: listed
-- The newest first.
SELECT credential_id, agency, name, roles, may_force, created_at, created_by, expires_at,
       revoked_at, revoked_by, last_used_at
  FROM credential
 WHERE %(agency)s::text IS NULL OR agency = %(agency)s
 ORDER BY created_at DESC, credential_id;

-- name: kept
-- What tokens are checked with.
SELECT credential_id, agency, name, roles, may_force, created_at, created_by, expires_at,
       revoked_at, revoked_by, last_used_at, secret_sha256
  FROM credential
 WHERE credential_id = ANY (%(credential_ids)s);

-- name: used
UPDATE credential
   SET last_used_at = greatest(last_used_at, %(now)s)
 WHERE credential_id = %(credential_id)s;
