"""What a night came to, for people (a page) and for machines (metrics)."""
