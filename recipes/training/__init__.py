"""Shared by the recipes: trainer, optimizer, shares of batches, initial weights."""
