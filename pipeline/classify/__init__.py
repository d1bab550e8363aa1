"""What kind of drawing a figure is, and from where it is seen."""
