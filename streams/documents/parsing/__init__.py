"""From what people and the documented API write to documents, one module a kind."""
