"""What device management knows of somebody's devices: read-only, and unknown where it can't be asked."""
