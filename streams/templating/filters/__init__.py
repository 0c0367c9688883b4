"""The filters, by what they work on. Importing a module registers its filters (`streams.templating.registry`)."""
