#!/bin/sh
# Makes a virtual environment and installs into it: infra/install.sh ENVIRONMENT [ARGUMENTS-OF-PIP-INSTALL…]
# Without arguments it only makes the environment. The Makefile calls it, and calls it again only when a file that it depends on has changed.
set -eu

environment=$1
shift

fail() {
    echo "$*" >&2
    exit 1
}

# Whether a Python program is of a version that pyproject.toml allows.
suits() {
    "$1" - pyproject.toml <<'PYTHON' 2>/dev/null
import re, sys
least, limit = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', open(sys.argv[1]).read()).groups()
sys.exit(not (3, int(least)) <= sys.version_info[:2] < (3, int(limit)))
PYTHON
}

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
        if suits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    range=$(sed -n 's/^requires-python = "\(.*\)"/\1/p' pyproject.toml)
    fail "figlake needs Python $range, and ${PYTHON:-the PATH} is or has none; name one: make install PYTHON=/path/to/python3.11"
}

# pip's own answer: from its environment variables, else the install section, else the global one.
pip_setting() {
    for section in :env: install global; do
        "$python" -m pip config get "$section.$1" 2>/dev/null && return
    done
    true
}

# uv does not read pip's configuration, and whoever works behind a mirror has told pip about it.
honour_pip_configuration() {
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
        index=$(pip_setting index-url)
        [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
    fi
    host=$(pip_setting trusted-host)
    [ -z "$host" ] || export UV_INSECURE_HOST="${UV_INSECURE_HOST:-$host}"
    certificates=$(pip_setting cert)
    [ -z "$certificates" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
    proxy=$(pip_setting proxy)
    [ -z "$proxy" ] || export HTTPS_PROXY="${HTTPS_PROXY:-$proxy}"
    export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-300}"
}

python=$environment/bin/python
if ! { [ -x "$python" ] && suits "$python" && "$python" -m pip --version >/dev/null 2>&1; }; then
    base=$(find_python)
    echo "making $environment with $("$base" --version)"
    "$base" -m venv --clear "$environment" ||
        fail "$base cannot make virtual environments; on Debian and Ubuntu: apt-get install -y python3-venv"
fi

[ $# -gt 0 ] || exit 0
honour_pip_configuration
if "$python" -m pip install --quiet --disable-pip-version-check -c constraints.txt uv &&
    "$python" -m uv pip install --python "$python" "$@"; then
    # uv leaves bytecode to the first import. Where Python is told to write none, every process would compile torch anew.
    [ -z "${PYTHONDONTWRITEBYTECODE:-}" ] ||
        "$python" -m compileall -q -j 0 -x '/tests?/' "$environment/lib" >/dev/null 2>&1 || true
    exit 0
fi
echo "uv could not install this; plain pip tries, which takes longer" >&2
"$python" -m pip install --disable-pip-version-check "$@"
