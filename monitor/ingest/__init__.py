"""From a network to a stored mention: `collector` reads sources page by page, `pipeline` matches, judges and stores in
one transaction, `file_import` brings files in, `source_health` tells people what is not being read.
"""
