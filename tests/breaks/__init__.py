"""Breaks: one-line faults, each as a patch, and the test that notices it."""
