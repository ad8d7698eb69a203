"""What a transfer does when it runs."""
