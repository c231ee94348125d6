"""The only SQL of the house. One file a table or two; `database` has the two faces, `schema` the steps."""
