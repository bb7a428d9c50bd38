"""What goes wrong in an archive or on a machine, done to the nightly run on purpose."""
