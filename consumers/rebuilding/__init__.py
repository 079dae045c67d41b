"""Make the read models again from the log, beside the live ones or of one subject in its place.

What is written is written by `projections`; here the log is read, folded, and the order of things
kept. Nothing else than read models is ever written: no notice, no breach, no event.
"""
