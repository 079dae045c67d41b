"""Thin adapters for Kafka, the registry and PostgreSQL."""
