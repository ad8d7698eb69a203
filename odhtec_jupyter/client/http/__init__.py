"""One Jupyter server over HTTP: how it is found, requests, replies and their errors."""
