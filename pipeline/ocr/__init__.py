"""Reading the text on a sheet: engines behind one protocol, turns, roles of what is read."""
