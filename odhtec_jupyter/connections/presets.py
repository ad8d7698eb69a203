"""What common stores need, as data: forms offer it as a start for a new connection."""

from __future__ import annotations

from urllib.parse import urlsplit

from odhtec_jupyter.models import ConnectionPreset

HUGGING_FACE_HOST = "s3.hf.co"

PRESETS = (
    ConnectionPreset(
        id="amazon",
        title="Amazon S3",
        endpoint=None,
        region="us-east-1",
        addressing_style="auto",
        help="No endpoint is needed. Enter the region of your buckets.",
    ),
    ConnectionPreset(
        id="compatible",
        title="MinIO, Ceph or OpenShift Data Foundation",
        endpoint="https://<host>",
        region="us-east-1",
        addressing_style="path",
        help="Enter the address of the S3 service, with its port. The region can be any that the store accepts.",
    ),
    # https://huggingface.co/docs/hub/storage-buckets-s3
    ConnectionPreset(
        id="huggingface",
        title="Hugging Face buckets",
        endpoint=f"https://{HUGGING_FACE_HOST}/<namespace>",
        region="us-east-1",
        addressing_style="path",
        help="The namespace is a user or an organization. Generate the keys (HFAK…) from an access token in the "
        "settings of your account.",
        lacks=["UploadPartCopy", "ListObjects", "metadata", "tags", "versions", "conditions"],
    ),
)


def preset_of(endpoint: str | None) -> ConnectionPreset:
    """Return the preset that an endpoint belongs to."""
    host = urlsplit(endpoint).hostname if endpoint else None
    if host is None or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return PRESETS[0]
    return PRESETS[2] if host == HUGGING_FACE_HOST else PRESETS[1]
