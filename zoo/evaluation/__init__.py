"""Scores with their protocol: what was measured, against what, through which network, and on how many samples."""
