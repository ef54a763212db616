#!/usr/bin/env bash
# Serve a model with vLLM as a replica should be served: checked before, warm before it is ready, drained at the end.
#   vllm/serve.sh MODEL [vllm serve arguments ...]     MODEL: a file of vllm/models by its name, or another by its path
# The file's settings are below, with their defaults; what the environment has outranks the file. 503 until it is warm and
# from SIGTERM on; what is open then may run for SERVE_DRAIN_S. However it ends, no engine is left behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
die() {
  echo "serve: $*" >&2
  exit 1
}

name=${1:?usage: serve.sh MODEL [arguments]}
shift
[[ $name == */* ]] && file=$name || file=$here/models/$name.env
[[ -f $file ]] || die "there is no $file. There are: $(cd "$here/models" && echo *.env)"
while IFS='=' read -r key value; do
  if [[ $key == SERVE_* && ! -v $key ]]; then export "$key=$value"; fi
done <"$file"

export SERVE_MODEL=${SERVE_MODEL:?$file sets no SERVE_MODEL} # a folder, which begins with / or ., or a name on the hub
export SERVE_NAME=${SERVE_NAME:-$SERVE_MODEL}                # what requests call it
export SERVE_PORT=${SERVE_PORT:-8000}
export SERVE_DEVICE=${SERVE_DEVICE:-gpu}         # or cpu
export SERVE_GPUS=${SERVE_GPUS:-1}               # to spread one copy of it over
export SERVE_GPU_MEMORY=${SERVE_GPU_MEMORY:-0.9} # the share of each that vLLM takes
SERVE_HOST=${SERVE_HOST:-0.0.0.0}
SERVE_CONTEXT=${SERVE_CONTEXT:-}                   # tokens of a prompt and its answer; as long as the model can if empty
SERVE_SEQUENCES=${SERVE_SEQUENCES:-256}            # requests computed at once
SERVE_QUEUE=${SERVE_QUEUE:-512}                    # and that may wait; more are refused with 503
SERVE_PREFIX_CACHE=${SERVE_PREFIX_CACHE:-on}       # or off
SERVE_TOOL_PARSER=${SERVE_TOOL_PARSER:-}           # how the model writes a call of a tool; empty: it calls none
SERVE_REASONING_PARSER=${SERVE_REASONING_PARSER:-} # and its thoughts
SERVE_METRICS=${SERVE_METRICS:-on}                 # or off: /metrics without the engine's
SERVE_DRAIN_S=${SERVE_DRAIN_S:-120}                # how long open requests may run after SIGTERM
SERVE_TRACES=${SERVE_TRACES:-}                     # where its spans go: http://collector:4318/v1/traces; empty: none are made

flags=(--host "$SERVE_HOST" --port "$SERVE_PORT" --served-model-name "$SERVE_NAME" --enable-request-id-headers
  --max-num-seqs "$SERVE_SEQUENCES" --max-num-queued-reqs "$SERVE_QUEUE" --shutdown-timeout "$SERVE_DRAIN_S"
  --middleware vllm_serving.gate.Gate)
[[ $SERVE_DEVICE == cpu ]] || flags+=(--gpu-memory-utilization "$SERVE_GPU_MEMORY" --tensor-parallel-size "$SERVE_GPUS")
[[ -z $SERVE_CONTEXT ]] || flags+=(--max-model-len "$SERVE_CONTEXT")
[[ $SERVE_PREFIX_CACHE == on ]] && flags+=(--enable-prefix-caching) || flags+=(--no-enable-prefix-caching)
[[ $SERVE_METRICS == on ]] && flags+=(--enable-prompt-tokens-details) || flags+=(--disable-log-stats)
[[ -z $SERVE_TOOL_PARSER ]] || flags+=(--enable-auto-tool-choice --tool-call-parser "$SERVE_TOOL_PARSER")
[[ -z $SERVE_REASONING_PARSER ]] || flags+=(--reasoning-parser "$SERVE_REASONING_PARSER")
if [[ -n $SERVE_TRACES ]]; then
  flags+=(--otlp-traces-endpoint "$SERVE_TRACES")
  export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf OTEL_SERVICE_NAME=${OTEL_SERVICE_NAME:-vllm}
fi

command -v vllm >/dev/null || die "there is no vllm on the PATH"
work=$(mktemp -d)

export SERVE_OPEN=$work/open SERVE_WARM_UP_KEY
SERVE_WARM_UP_KEY=$(</proc/sys/kernel/random/uuid)
export PYTHONPATH=$here/serving${PYTHONPATH:+:$PYTHONPATH} VLLM_NO_USAGE_STATS=1
trap 'rm -rf "$work"' EXIT
python3 -m vllm_serving.checks

# Job control puts the server and its engine into a process group of their own: the engine outlives a server that was
# killed, so the group is killed at the end; and the server is told to stop should this script be killed first.
set -m
setpriv --pdeathsig TERM vllm serve "$SERVE_MODEL" "${flags[@]}" "$@" &
server=$!
python3 -m vllm_serving.warm_up &
warming=$! limit=
# shellcheck disable=SC2317,SC2329  # the trap calls them
end_drain() {
  sleep $((SERVE_DRAIN_S + 10))
  kill -KILL -- "-$server"
}
# shellcheck disable=SC2317,SC2329
leave() {
  rm -f "$SERVE_OPEN"
  kill "$warming" 2>/dev/null || true
  kill -TERM "$server" 2>/dev/null || true
  if [[ -z $limit ]]; then
    end_drain &
    limit=$!
    disown "$limit" # else bash would tell of its end
  fi
}
trap leave TERM INT
trap 'kill -KILL -- "-$server" "-$warming" ${limit:+"-$limit"} 2>/dev/null || true; rm -rf "$work"' EXIT

code=0
wait -n "$server" "$warming" || code=$?
[[ -f $SERVE_OPEN || -n $limit ]] || exit "$((code ? code : 1))" # it ended, or could not be warmed
while kill -0 "$server" 2>/dev/null; do                          # a trap interrupts wait
  code=0
  wait "$server" || code=$?
done
exit "$code"
