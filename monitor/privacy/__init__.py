"""What becomes of what is known of people: forgetting, retention, and who asked for it."""
