"""Yimen (一门): one door for every government service."""
