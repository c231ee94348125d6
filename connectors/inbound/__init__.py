"""What others bring to our door: `connector` reads what waits there, `proof` tells whose it is before it is kept.

`presets` knows the shapes in which some services write, `mapping` makes values of any JSON by JMESPath, `posts` makes
posts of the values. This file imports nothing: whoever has no such source loads none of it.
"""
