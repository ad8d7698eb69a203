"""What happens to each file, decided before anything is written."""
