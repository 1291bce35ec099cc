"""What a call costs on each store, in one run, beside SQLite and the servers' own round trips."""
