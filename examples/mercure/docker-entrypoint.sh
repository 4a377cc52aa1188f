#!/usr/bin/env bash
# mercure starts this with MERCURE_IN_DIR and MERCURE_OUT_DIR.
set -euo pipefail
exec python "$(dirname "$0")/nodulus_module.py" "$MERCURE_IN_DIR" "$MERCURE_OUT_DIR"
