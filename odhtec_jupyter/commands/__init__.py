"""What ``jupyter odhtec`` does on the command line, over the same client as a notebook."""
