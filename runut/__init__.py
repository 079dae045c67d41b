"""The library that agencies install and import."""
