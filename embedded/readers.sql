-- Whoever may log in to the ledger's database to read may do that alone: no locks that the ledger's
-- processes wait for, nothing that the database keeps. For a superuser, in the ledger's database.
DO $$
DECLARE
    writing regprocedure;
    owners text := (
        SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles
         WHERE oid IN (SELECT datdba FROM pg_database WHERE datname = current_database()
                       UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384)
    );
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    FOR writing IN
        SELECT oid FROM pg_proc
         WHERE pronamespace = 'pg_catalog'::regnamespace
           AND (proname ~ '^pg_(try_)?advisory_'
                OR proname IN ('lo_create', 'lo_creat', 'lo_from_bytea'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', writing);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', writing, owners);
    END LOOP;
END
$$;
