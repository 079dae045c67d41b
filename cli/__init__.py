"""The `runut` command, one module a group of commands."""
