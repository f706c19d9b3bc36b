"""Fitting of the pipeline to an encoder of another project: PLDA, settings, calibrations."""
