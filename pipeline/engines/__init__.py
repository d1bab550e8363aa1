"""Engines: start, size and stop one; read a table into it; gather what its workers wrote."""
