"""The page for the staff, the signed links and the health answers."""
