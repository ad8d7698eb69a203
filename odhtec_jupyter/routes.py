"""The table of URLs. The first match is used. A test compares it with ``openapi.yaml``."""

from __future__ import annotations

from typing import Any

from odhtec_jupyter.handlers import (
    buckets,
    contract,
    details,
    events,
    imports,
    multiparts,
    objects,
    preview,
    transfers,
    usage,
)
from odhtec_jupyter.handlers.configuration import connections, disclaimer, doctor, policy, settings
from odhtec_jupyter.handlers.streaming import archive, download, upload, uploads
from odhtec_jupyter.services import Services

BUCKET = "(?P<bucket>[^/]+)"
KEY = "(?P<key>[^/]+)"
ID = "(?P<transfer_id>[0-9a-f]+)"
NAME = "(?P<name>[^/]+)"
UPLOAD = "(?P<upload_id>[^/]+)"

ROUTES = [
    ("/openapi.json", contract.ContractHandler),
    ("/buckets", buckets.BucketsHandler),
    (f"/buckets/{BUCKET}", buckets.BucketHandler),
    (f"/objects/download/{BUCKET}/{KEY}", download.DownloadHandler),
    (f"/objects/view/{BUCKET}/{KEY}", download.ViewHandler),
    (f"/objects/preview/{BUCKET}/{KEY}", preview.PreviewHandler),
    (f"/objects/upload/{BUCKET}/{KEY}", upload.UploadHandler),
    (f"/objects/metadata/{BUCKET}/{KEY}", details.DetailsHandler),
    (f"/objects/versions/{BUCKET}/{KEY}", details.VersionsHandler),
    (f"/objects/restore/{BUCKET}/{KEY}", details.RestoreHandler),
    # These four are for POST; with other methods, they are a bucket of that name.
    (f"/objects/upload/{BUCKET}", upload.TopUploadHandler),
    (f"/objects/folder/{BUCKET}", objects.FolderHandler),
    ("/objects/import-hf", imports.ImportHandler),
    ("/objects/presign", details.PresignHandler),
    (f"/objects/{BUCKET}/(?P<prefix>[^/]+)", objects.ObjectHandler),
    (f"/objects/{BUCKET}", objects.ObjectsHandler),
    (f"/usage/{BUCKET}", usage.UsageHandler),
    (f"/archive/{BUCKET}", archive.ArchiveHandler),
    (f"/multipart/{BUCKET}", multiparts.MultipartsHandler),
    ("/hub/repo", imports.HubRepoHandler),
    ("/hub/refs", imports.HubRefsHandler),
    ("/hub/test", doctor.HubTestHandler),
    ("/transfers", transfers.TransfersHandler),
    ("/transfers/events", events.TransferEventsHandler),
    (f"/transfers/{ID}", transfers.TransferHandler),
    (f"/transfers/{ID}/files", transfers.TransferFilesHandler),
    (f"/transfers/{ID}/pause", transfers.PauseHandler),
    (f"/transfers/{ID}/resume", transfers.ResumeHandler),
    (f"/transfers/{ID}/retry", transfers.RetryHandler),
    (f"/transfers/{ID}/cancel", transfers.CancelHandler),
    ("/uploads", uploads.UploadsHandler),
    (f"/uploads/{UPLOAD}", uploads.UploadSessionHandler),
    (f"/uploads/{UPLOAD}/complete", uploads.CompleteHandler),
    (f"/uploads/{UPLOAD}/(?P<part>[^/]+)", uploads.PartHandler),
    ("/connections", connections.ConnectionsHandler),
    (f"/connections/{NAME}", connections.ConnectionHandler),
    (f"/connections/{NAME}/save", connections.SaveConnectionHandler),
    (f"/connections/{NAME}/test", doctor.ConnectionTestHandler),
    ("/settings/s3", settings.S3SettingsHandler),
    ("/settings/test-s3", settings.TestS3Handler),
    ("/settings/hf", settings.HubSettingsHandler),
    ("/settings/test-hf", settings.TestHubHandler),
    ("/settings/proxy", settings.ProxySettingsHandler),
    ("/settings/test-proxy", settings.TestProxyHandler),
    ("/settings/max-concurrent-transfers", settings.ConcurrencyHandler),
    ("/settings/max-bandwidth", settings.BandwidthHandler),
    ("/policy", policy.PolicyHandler),
    ("/disclaimer", disclaimer.DisclaimerHandler),
    ("/.*", contract.NotFoundHandler),
]


def routes(services: Services) -> list[tuple[str, Any, dict[str, Any]]]:
    """Return the table for one server; jupyter_server adds its base URL."""
    return [(f"/odhtec/api{pattern}", handler, {"services": services}) for pattern, handler in ROUTES]
