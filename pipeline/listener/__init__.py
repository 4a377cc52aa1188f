"""A listener for a hospital's network: studies that are sent to it are scored, and the answers go to an archive."""
