"""Understanding a post: text in, values out; nothing here reads a clock, a file of the user's or a network."""
