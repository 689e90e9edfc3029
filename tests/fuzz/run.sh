#!/bin/sh
# run.sh [TARGET...]: fuzzes each target of tests/fuzz with libFuzzer and the sanitizers for FUZZ_SECONDS (60) seconds, from its
# corpus, from what earlier runs found (build/fuzz/corpus) and from the transcripts (seeds.py). What fails is kept in build/fuzz,
# with the command to run it again. When a target or the code that it reaches has changed much, run it for long, then merge.py.
set -u
cd "$(dirname "$0")/../.." || exit 2
seconds=${FUZZ_SECONDS:-60}
passed=0 failed=0
export ASAN_OPTIONS=abort_on_error=0:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1

# Bytes of an input: what is long finds no more, but slows down.
length() {
    case $1 in
    pem) echo 3000 ;;
    cert) echo 1000 ;;
    client) echo 300 ;;
    *) echo 600 ;;
    esac
}

fuzz() {
    t=$1
    work=build/fuzz/corpus/$t log=build/fuzz/$t.log
    mkdir -p "$work" tests/fuzz/corpus/"$t"
    set -- -max_len="$(length "$t")" -timeout=30 -rss_limit_mb=2000 -artifact_prefix=build/fuzz/"$t"-
    [ ! -e tests/fuzz/"$t".dict ] || set -- "$@" -dict=tests/fuzz/"$t".dict
    [ "$t" != client ] || set -- "$@" -len_control=0
    set -- "$@" "$work" tests/fuzz/corpus/"$t"
    [ ! -d build/fuzz/seeds/"$t" ] || set -- "$@" build/fuzz/seeds/"$t"
    if build/fuzz/"$t" -max_total_time="$seconds" -print_final_stats=1 "$@" >"$log" 2>&1; then
        passed=$((passed + 1)) verdict=ok
    else
        failed=$((failed + 1)) verdict=FAIL
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf '%-4s %-8s %10s executions, %6s a second, %5s edges\n' $verdict "$t" "${runs:-0}" "${speed:-0}" "${edges:-0}"
    if [ $verdict = FAIL ]; then
        grep -a -m 3 -E '^FAIL |runtime error:|ERROR: ' "$log" | sed 's/^/     /'
        sed -n "s,.*Test unit written to \(.*\),     again: build/fuzz/$t \1," "$log"
    fi
}

rm -rf build/fuzz/seeds
/usr/bin/python3 tests/fuzz/seeds.py build/fuzz/seeds || exit 1
for target; do
    fuzz "$target"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
