"""Registers of other organs, looked up side by side at one window: real estate, housing files and whatever else."""
