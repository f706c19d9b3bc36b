"""Target speech extraction on mixtures and meetings."""
