"""Measures Earful on this machine: `make bench`."""
