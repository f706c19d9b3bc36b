"""Training and evaluation of extractors on Libri2Mix."""
