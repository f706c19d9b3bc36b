"""Every page of results again, for the models that ship."""
