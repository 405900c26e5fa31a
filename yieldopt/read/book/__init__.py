"""The workbook of a case: its sheets, and the case file that comes back from them."""
