"""Encoders of figures and sentences, and the step that runs them."""
