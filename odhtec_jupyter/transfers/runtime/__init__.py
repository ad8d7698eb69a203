"""What all transfers share: memory, threads, slots, retries."""
