"""Webhooks v3 of the account."""
