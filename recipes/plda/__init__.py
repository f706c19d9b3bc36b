"""PLDA of crops as long as the diarizer's subsegments, for VBx."""
