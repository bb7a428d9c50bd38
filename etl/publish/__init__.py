"""A new build takes its place: built beside, judged, offered for download, flipped in, proved, or taken back.

Nothing is imported here, for the server of the gates starts from this package and must start fast.
"""
