"""Releases: what belongs in one, the gates it must pass, the manifest, and the pointer CURRENT."""
