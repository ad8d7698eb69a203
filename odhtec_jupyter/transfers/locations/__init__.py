"""What each URI scheme can do: an S3 object, a file of the workspace, a file of the hub, and folders of each."""
