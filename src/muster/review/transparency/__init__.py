"""透明度报告: what the platform was used for, counted from its own logs."""
