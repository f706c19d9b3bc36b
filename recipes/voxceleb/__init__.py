"""Any architecture on VoxCeleb, or any corpus with lhotse manifests."""
