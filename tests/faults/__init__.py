"""The real daemon from outside, under the faults of the world around it; `make faults` walks them all."""
