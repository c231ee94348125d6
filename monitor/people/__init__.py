"""Who staff are: one id a person, by whichever way they come, and one list of them."""
