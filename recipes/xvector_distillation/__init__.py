"""Multi-level distillation of x-vectors into small students."""
