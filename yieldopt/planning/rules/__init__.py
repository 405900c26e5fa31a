"""The rules of a plan, one concept a file: each adds its rows, columns and entries to a sheet."""
