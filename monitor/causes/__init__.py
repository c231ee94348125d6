"""Why people write: each brand's causes, what staff make of them, and problems that several people share."""
