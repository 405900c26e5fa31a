"""Numbers of a case that stand in tables: CSV, Parquet, Excel."""
