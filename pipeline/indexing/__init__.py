"""Vectors become codebooks and shards: recipe, training, encoding, vector ids."""
