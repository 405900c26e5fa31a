"""The workbook of a case: its answer as sheets with charts, and the case itself to edit."""
