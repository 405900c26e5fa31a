"""The speed of an installed copy: workloads, the kernel they are set against, rows with bars."""
