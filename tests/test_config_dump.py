"""``--show-config`` prints no secret, wherever it was configured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
c.ServerApp.jpserver_extensions = {"odhtec_jupyter": True}
c.ServerApp.open_browser = False
c.OdhTecSettings.s3_access_key_id = "visible-id"
c.OdhTecSettings.s3_secret_access_key = "HIDDEN-config"
c.OdhTecApp.OdhTecSettings.s3_session_token = "HIDDEN-nested"
c.OdhTecSettings.connections = {"archive": {"access_key_id": "id", "secret_access_key": "HIDDEN-connection"}}
c.OdhTecSettings.http_proxy = "http://user:HIDDEN-proxy@proxy:1"
"""


@pytest.mark.parametrize("flag", ["--show-config", "--show-config-json"])
def test_show_config_prints_no_secret(tmp_path: Path, flag: str, clean_environment_variables: None) -> None:
    config = tmp_path / "config.py"
    config.write_text(CONFIG)
    token = tmp_path / "token"
    token.write_text("HIDDEN-file")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "jupyter_server", flag, f"--config={config}", "--allow-root"),
            *(f"--OdhTecSettings.hf_token_file={token}", "--OdhTecSettings.hf_token=HIDDEN-argument"),
            f"--OdhTecSettings.state_dir={tmp_path / 'state'}",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)},
        cwd=tmp_path,
    )
    assert "visible-id" in done.stdout
    assert "hf_token_file" in done.stdout
    assert "HIDDEN" not in done.stdout + done.stderr
    if flag.endswith("json"):
        assert "hf_token" not in json.loads(done.stdout)["OdhTecSettings"]
