#!/usr/bin/env bash
# layers.sh ROOT: arrows point down only (docs/architecture.md).
set -euo pipefail

cd "$1"
failed=0

# forbid WHERE WHAT WHY: no file below WHERE includes what matches WHAT.
forbid() {
    local hits

    hits=$(grep -rnE "^#include $2" $1 --include='*.c' --include='*.h' || true)
    if [ -n "$hits" ]; then
        printf '%s:\n%s\n' "$3" "$hits"
        failed=1
    fi
}

forbid "common proto" '"(coordinator|agent|tests)/' "a lower layer includes a higher one"
forbid "coordinator" '"agent/' "the coordinator includes the agent"
forbid "agent" '"coordinator/' "the agent includes the coordinator"
forbid "common/base common/config common/postgres common/migration common/wire" '"common/proof/' "what is proven includes its proof"
forbid "common/base common/config common/postgres common/migration common/wire common/proof common/backup" '"common/layout/' "what is made of a layout includes it"
forbid "common/base common/config common/postgres common/migration common/wire common/proof" '"common/backup/' "what is backed up includes its backup"
forbid "common/base common/config common/postgres common/migration common/wire" '"common/lint/' "what is judged includes its judge"
forbid "common/lint" '"common/(proof|backup|copy|wire)/' "lint includes more than the engine"
forbid "common/base" '"(proto|common/(wire|config|copy|postgres|migration))/' "base includes a layer above it"
forbid "proto" '"common/(wire|config|postgres|migration)/' "proto includes a layer above it"
forbid "coordinator agent common proto" '"tests/' "the product includes its tests"
forbid "coordinator/core agent/core" '"common/(wire|config|postgres)/' "a core includes a shell"
forbid "coordinator/core agent/core" '"common/base/(clock|file|log|process)' "a core includes what is not pure"
forbid "coordinator/core agent/core" '"common/migration/([^g]|g[^r])' "a core includes more than the graph"
forbid "coordinator/core agent/core" '<(zmq|libpq-fe|sqlite3|curl|microhttpd|time|unistd|fcntl|poll|sys/)' "a core includes a header with I/O"
exit $failed
