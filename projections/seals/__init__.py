"""Trees, maps and seals in PostgreSQL: written by the sealer, read for proofs."""
