"""Reports: tables, versions, machine, progress and pictures."""
