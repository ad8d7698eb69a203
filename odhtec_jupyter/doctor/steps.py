"""All steps, in the order in which they depend on each other."""

from __future__ import annotations

from odhtec_jupyter.doctor.account import credentials, region
from odhtec_jupyter.doctor.certificate import tls
from odhtec_jupyter.doctor.definition import definition, environment
from odhtec_jupyter.doctor.examination import Step
from odhtec_jupyter.doctor.hub import api, files, repository, token
from odhtec_jupyter.doctor.path import dns, proxy, tcp
from odhtec_jupyter.doctor.rights import buckets, listing, reading
from odhtec_jupyter.doctor.service import clock, service
from odhtec_jupyter.doctor.writing import checksum, condition, delete, multipart, write

S3_STEPS = (
    Step("definition", "Definition", definition),
    Step("environment", "Values of one store", environment, ("definition",)),
    Step("dns", "Host name", dns, ("definition",)),
    Step("tcp", "Connection", tcp, ("dns",)),
    Step("proxy", "Proxy", proxy, ("tcp",)),
    Step("tls", "Certificate", tls, ("proxy",)),
    Step("service", "S3 service", service, ("tls",)),
    Step("clock", "Clock", clock, ("service",)),
    Step("credentials", "Credentials", credentials, ("service",)),
    Step("region", "Region and addresses", region, ("credentials",)),
    Step("buckets", "List buckets", buckets, ("credentials",)),
    Step("list", "List objects", listing, ("credentials",)),
    Step("read", "Read objects", reading, ("list",)),
    Step("write", "Write objects", write, ("credentials",)),
    Step("multipart", "Multipart uploads", multipart, ("write",)),
    Step("checksum", "Checksums", checksum, ("write",)),
    Step("condition", "Conditional writes", condition, ("write",)),
    Step("delete", "Delete objects", delete, ("credentials",), cleans_up=True),
)
HUB_STEPS = (
    Step("dns", "Host name", dns),
    Step("tcp", "Connection", tcp, ("dns",)),
    Step("proxy", "Proxy", proxy, ("tcp",)),
    Step("tls", "Certificate", tls, ("proxy",)),
    Step("api", "API", api, ("tls",)),
    Step("token", "Token", token, ("api",)),
    Step("repository", "Repository", repository, ("api",)),
    Step("files", "Files", files, ("repository",)),
)
