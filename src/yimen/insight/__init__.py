"""Figures over everything: reads all domains, is read by none."""
