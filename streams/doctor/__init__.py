"""What is wrong with an installation or an integration, and what to do about it."""
