"""Reference signs of the text, and the links between figures and sentences."""
