"""What the codes in the table ``findings`` mean, for the page that shows them; a test compares it with docs/checks.md.

A501 to A504 look beyond the warehouse and are never published.
"""

MEANINGS = {
    "A101": "Nobody looked at this day: no complete listing of any symbol covers it.",
    "A102": "Nobody looked at these days of this symbol, others were looked at.",
    "A103": "This symbol is known, and no listing of it has ever completed.",
    "A104": "The newest look at the archive is old: what came since is unknown.",
    "A105": "The newest listing did not complete; what is shown is from before it.",
    "A201": "The archive was looked at and has no file at all on this day.",
    "A202": "This day has less than 90 % of the files that its neighbours have.",
    "A301": "These files lie in the archive without their CHECKSUM.",
    "A302": "These files are too small to hold a day, even one without trades.",
    "A303": "A name in the archive is no day file of the place it lies in.",
    "A304": "Unusually many files were changed or taken away at once.",
    "A401": "Something that must be there once is recorded more than once.",
    "A402": "A file is recorded that no complete listing and no probe has shown.",
    "A403": "A listing or a probe showed files that are not recorded as held.",
    "A404": "Days are called missing that no complete listing has looked at.",
    "A405": "Files are recorded without a size or without an etag.",
    "A406": "The times recorded of these files cannot be in this order.",
    "A407": "Rows are recorded of a symbol, a listing or a file that is not recorded.",
}
