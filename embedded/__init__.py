"""Real Kafka, registry and PostgreSQL on this machine: `runut up` without Docker or Java.

Nothing here is needed in production; only `cli`, tests and bench import it.
"""
