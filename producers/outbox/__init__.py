"""The outbox relay: from a table in an agency's own PostgreSQL to the ledger."""
