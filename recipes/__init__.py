"""Recipes: training and data preparation, one folder for each model."""
