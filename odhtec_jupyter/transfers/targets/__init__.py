"""Where a file goes: nothing half-written is visible or left over."""
