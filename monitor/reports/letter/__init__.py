"""What the weekly letter says of one brand's week: `week` counts, the rest puts it into words.

A letter leaves the house and cannot be called back: nothing here names a customer or a colleague.
"""
