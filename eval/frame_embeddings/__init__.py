"""Embeddings of single frames: by the frame head, and by pooling windows around them."""
