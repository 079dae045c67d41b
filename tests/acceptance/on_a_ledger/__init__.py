"""Tests that share one running ledger, which ends with the last of them."""
