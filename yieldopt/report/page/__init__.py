"""The report: one HTML file that needs no network, from a study or from a result alone."""
