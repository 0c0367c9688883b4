"""REST API v2 on the account."""
