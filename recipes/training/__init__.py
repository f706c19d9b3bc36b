"""What the recipes' trainings share: trainer, optimizer, shares of batches, starting weights."""
