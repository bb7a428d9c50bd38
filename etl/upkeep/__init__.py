"""What keeps an installation in good order: backup and restore, compact, doctor."""
