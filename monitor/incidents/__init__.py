"""Incidents: what leaps above its habit or harms several people, and what is done while it lasts."""
