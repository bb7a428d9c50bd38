"""The vault: what our own capture keeps, raw and refined, on a local disk or in an S3 bucket."""
