-- How many complete listings `availability compact` has folded: they were asked for all the same.
ALTER TABLE warehouse ADD COLUMN folded_listings BIGINT DEFAULT 0;

ALTER TABLE warehouse ALTER folded_listings SET NOT NULL;
