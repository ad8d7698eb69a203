"""What notebooks do without the extension: boto3's own parser, in a process of its own.

``boto3_list.py ENDPOINT BUCKET PREFIX PAGES`` prints the CPU and wall seconds of that many pages of 1000 keys as JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import boto3


def main() -> None:
    """One walk."""
    endpoint, bucket, prefix, pages = sys.argv[1:]
    client = boto3.client("s3", endpoint_url=endpoint)
    client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    cpu, wall = time.process_time(), time.perf_counter()
    walk = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = sum(len(page["Contents"]) for page in itertools.islice(walk, int(pages)))
    print(json.dumps({"keys": keys, "cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}))


if __name__ == "__main__":
    main()
