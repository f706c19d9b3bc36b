"""Any architecture on packed features: training in stages, evaluation, report."""
