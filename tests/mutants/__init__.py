"""Mutants: small faults made by a machine, and whether the tests that run their line notice them."""
