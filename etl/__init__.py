"""Which market-data files exist, for which symbol, on which day, with what gaps, and what changed."""
