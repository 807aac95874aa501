#!/usr/bin/env bash
# The test command of the README: installs what is missing, builds, runs everything.
#
#   tests/run.sh                     every stage
#   tests/run.sh unit lint           only these
#   FUZZ_SECONDS=60 tests/run.sh fuzz
#
# The log of a stage is build/check/STAGE.log; its end is shown when the stage fails. The last line
# counts tests: '12 passed, 0 failed, 1 skipped'. The exit code is 0 if none failed.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

all_stages=(build unit clang lint asan tsan fuzz interop websocket browser bench)
declare -A about=(
  [build]="GCC release build, every header also compiled alone"
  [unit]="unit and simulation tests of the release build"
  [clang]="Clang 19 build of the router"
  [lint]="format, clang-tidy, include edges, text rules, scripts"
  [asan]="unit and simulation tests with AddressSanitizer and UBSan"
  [tsan]="tests labelled 'threads' with ThreadSanitizer"
  [fuzz]="fuzz targets: corpus replayed, then a brief run"
  [interop]="real clients in network namespaces"
  [websocket]="WireGuard over WebSockets, and Prometheus, in network namespaces"
  [browser]="browser machines: v86 in Node and in Chromium"
  [bench]="benchmarks built and run once; their figures judge nothing"
)
# Minutes after which a stage is taken for stuck.
declare -A minutes=([build]=25 [unit]=10 [clang]=15 [lint]=25 [asan]=30 [tsan]=20 [fuzz]=25 [interop]=20 [websocket]=10 [browser]=20 [bench]=15)

jobs=$(nproc)
fuzz_seconds=${FUZZ_SECONDS:-10}
logs=$root/build/check
results=$logs/results.tsv
# Lets a compiler cache serve clones at other paths.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

usage() {
  echo "usage: tests/run.sh [STAGE...]"
  for stage in "${all_stages[@]}"; do printf '  %-9s %s\n' "$stage" "${about[$stage]}"; done
}

# ---- stages: each prints to its log and appends "pass|fail|skip <TAB> name <TAB> reason" to results

record() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$results"; }

# check NAME COMMAND...: one test that is a command.
check() {
  local name=$1
  shift
  echo "== $name: $*"
  if "$@"; then record pass "$name"; else record fail "$name" "exit code $?"; return 1; fi
}

configure() {  # PRESET [OPTION...]
  cmake --preset "$@"
}

build() {  # PRESET [TARGET...]
  local preset=$1
  shift
  local targets=()
  [[ $# -eq 0 ]] || targets=(--target "$@")
  cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
}

# ctest of a preset's folder; its tests are counted one by one.
run_ctest() {  # PRESET [CTEST OPTION...]
  local preset=$1 report=$logs/$1.xml status=0
  shift
  rm -f "$report"
  ctest --test-dir "build/$preset" -j "$jobs" --timeout 300 --output-on-failure --no-tests=error \
    --output-junit "$report" "$@" || status=$?
  if [[ -s $report ]]; then
    python3 tests/lint/junit_to_results.py "$preset" "$report" >>"$results" || record fail "$preset: test report"
  else
    record fail "$preset: ctest" "no report, exit code $status"
  fi
  return "$status"
}

stage_build() {
  check "release: configure" configure release && check "release: build" build release
}

stage_unit() {
  run_ctest release
}

stage_clang() {
  check "clang: configure" configure clang && check "clang: build" build clang wgrouter
}

stage_lint() {
  python3 tests/lint/run.py --jobs "$jobs" --results "$results"
}

stage_asan() {
  check "asan: configure" configure asan && check "asan: build" build asan || return 1
  ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 \
    UBSAN_OPTIONS=print_stacktrace=1 run_ctest asan
}

# Only the programs that hold tests labelled 'threads'.
stage_tsan() {
  check "tsan: configure" configure tsan || return 1
  local programs=()
  mapfile -t programs < <(cmake --build --preset tsan --target help | sed -n 's/^\(core\|cmd\|ws\)_test: .*/\1_test/p')
  [[ ${#programs[@]} -gt 0 ]] || { record fail "tsan: programs" "none found"; return 1; }
  check "tsan: build" build tsan "${programs[@]}" || return 1
  TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 run_ctest tsan -L threads
}

fuzz_one() {  # PROGRAM
  local program=$1 name corpus scratch
  name=$(basename "$program")
  corpus=tests/fuzz/corpus/$name
  scratch=$logs/fuzz/$name
  rm -rf "$scratch" && mkdir -p "$scratch/found" "$scratch/crashes"
  local seeds=()
  [[ -d $corpus ]] && seeds=("$corpus")
  {
    if [[ ${#seeds[@]} -gt 0 ]]; then
      "$program" -runs=0 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$scratch/crashes/" "${seeds[@]}" ||
        { record fail "fuzz: $name" "corpus replay"; return 1; }
    fi
    "$program" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$scratch/crashes/" "$scratch/found" "${seeds[@]}" ||
      { record fail "fuzz: $name" "input kept in $scratch/crashes"; return 1; }
  } >"$scratch/log" 2>&1
  local status=$?
  if [[ $status -eq 0 ]]; then
    record pass "fuzz: $name"
    grep -hE '^(stat::number_of_executed_units|Done)' "$scratch/log" | sed "s/^/$name: /"
  else
    tail -n 60 "$scratch/log" | sed "s/^/$name: /"
  fi
  return "$status"
}

stage_fuzz() {
  check "fuzz: configure" configure fuzz || return 1
  local names=() name
  for name in tests/fuzz/*_fuzz.cc; do [[ -e $name ]] && names+=("$(basename "$name" .cc)"); done
  [[ ${#names[@]} -gt 0 ]] || { record skip "fuzz" "no fuzz target in the tree"; return 0; }
  check "fuzz: build" build fuzz "${names[@]}" || return 1
  for name in "${names[@]}"; do
    while [[ $(jobs -rp | wc -l) -ge $jobs ]]; do wait -n; done
    fuzz_one "build/fuzz/bin/$name" &
  done
  wait  # each has recorded its own verdict
}

run_suite() {  # NAME [OPTION...]
  local suite=$1 as_root=()
  shift
  check "$suite: configure" configure release || return 1
  check "$suite: build" build release wgrouter udp_relay || return 1
  if [[ $(id -u) -ne 0 ]]; then
    sudo -n true 2>/dev/null || { record skip "$suite" "network namespaces need root or sudo"; return 0; }
    as_root=(sudo)
  fi
  "${as_root[@]}" python3 tests/interop/run.py --suite "$suite" --results "$results" --logs "$logs/$suite" "$@"
}

stage_interop() {
  run_suite interop
}

stage_websocket() {
  run_suite websocket --jobs 1
}

# One machine after another: each keeps a core busy.
stage_browser() {
  deploy/install_packages.sh browser || echo "Not all packages could be installed: what needs them is skipped."
  run_suite browser --jobs 1
}

stage_bench() {
  check "bench: configure" configure bench && check "bench: build" build bench || return 1
  run_ctest bench -L bench
}

# ---- driver

count() { grep -c "^$1	" "$results" || true; }

run_stage() {
  local stage=$1 log=$logs/$1.log began=$SECONDS status=0 failed_before
  failed_before=$(count fail)
  printf '%-9s %s ... ' "$stage" "${about[$stage]}"
  # A fresh shell, so that the time limit ends the stage with all its children.
  timeout --kill-after=30 "${minutes[$stage]}m" "$root/tests/run.sh" --stage "$stage" \
    >"$log" 2>&1 </dev/null || status=$?
  if [[ $status -eq 124 || $status -eq 137 ]]; then
    record fail "$stage" "took more than ${minutes[$stage]} minutes"
  elif [[ $status -ne 0 && $(count fail) -eq $failed_before ]]; then
    record fail "$stage" "exit code $status"
  fi
  if [[ $(count fail) -gt $failed_before ]]; then
    echo "FAILED ($((SECONDS - began)) s)"
    tail -n 60 "$log" | sed 's/^/    /'
    echo "    the whole log: build/check/$stage.log"
  else
    echo "ok ($((SECONDS - began)) s)"
  fi
}

if [[ ${1:-} == --stage ]]; then
  "stage_$2"
  exit
fi

stages=()
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    *) [[ -n ${about[$argument]:-} ]] || { usage >&2; exit 2; }; stages+=("$argument") ;;
  esac
done
[[ ${#stages[@]} -gt 0 ]] || stages=("${all_stages[@]}")

mkdir -p "$logs"
: >"$results"

needed=(build check)
[[ " ${stages[*]} " =~ " "(interop|websocket|browser)" " ]] && needed+=(interop)
if ! deploy/install_packages.sh "${needed[@]}" </dev/null; then
  record fail "packages" "could not be installed"
else
  for stage in "${stages[@]}"; do
    # Tests need their build; asked for alone, a stage brings it.
    if [[ $stage == unit && " ${stages[*]} " != *" build "* ]]; then run_stage build; fi
    run_stage "$stage"
  done
fi

sed -n 's/^fail\t\([^\t]*\)\t\(.*\)/failed:  \1  \2/p' "$results"
sed -n 's/^skip\t\([^\t]*\)\t\(.*\)/skipped: \1: \2/p' "$results"
passed=$(count pass) failed=$(count fail) skipped=$(count skip)
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $passed -gt 0 ]]
