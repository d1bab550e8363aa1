"""How good a search is: judged queries, measures, and the table that compares modalities and fusions."""
