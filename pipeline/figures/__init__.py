"""A sheet's separate figures, each with its label, box and caption."""
