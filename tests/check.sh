#!/bin/sh
# check.sh SUITE...: runs the suites in order, one line each; details stand in build/logs/SUITE.log.
# Each leaves "PASSED FAILED" in build/results/SUITE.count; `total`, given last, adds those up.
set -u
cd "$(dirname "$0")/.." || exit 2
mkdir -p build/results build/logs
python=/usr/bin/python3         # Debian's own, which has slixmpp
valgrind="valgrind -q --leak-check=full --error-exitcode=99"

# show_failures LOG: what failed, each with a few lines of why; the log's end when it names no failure
show_failures() {
    awk '/^(ok  |\[ +(OK|RUN) )/ { left = 0 }
         /^FAIL |^\[  (ERROR|FAILED) |runtime error:|ERROR: |^==[0-9]+== [A-Z1-9]/ { if (left <= 0) left = 6 }
         left-- > 0 { print "  " substr($0, 1, 300) }
         ' "$1" | head -n 40
    grep -aqE '^FAIL |^\[  FAILED|rror: |^==[0-9]+==' "$1" || tail -n 15 "$1"
}

# run COMMAND...: runs a test program and takes its counts from what it prints: cmocka's, or a last line
# "N passed, N failed". One that ends badly without naming a failed test, or that is not there, is a failure.
run() {
    echo "== $*" >>"$log"
    if [ -n "$(command -v "$program")" ]; then
        timeout 900 "$@" >"$log.part" 2>&1
        rc=$?
    else
        echo "ERROR: it was not built" >"$log.part"
        rc=127
    fi
    cat "$log.part" >>"$log"
    counts=$(sed -n -e 's/^\[  PASSED  \] \([0-9]*\) test.*/\1 0/p' -e 's/^\[  FAILED  \] .*: \([0-9]*\) test.*/0 \1/p' \
        -e 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log.part" | awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }')
    p=${counts% *} f=${counts#* }
    if [ "$f" -eq 0 ] && { [ $rc -ne 0 ] || [ "$p" -eq 0 ]; }; then
        f=1
    fi
    if [ "$f" -ne 0 ]; then
        echo "FAIL $program (exit status $rc)"
        show_failures "$log.part"
    fi
    passed=$((passed + p)) failed=$((failed + f))
    rm -f "$log.part"
}

# The programs below DIR: all of tests/unit/, and the transcripts; after that, what to put before each command.
unit() {
    dir=$1
    shift
    for source in tests/unit/test_*.c; do
        program=$dir/unit/$(basename "$source" .c)
        run "$@" "$program"
    done
}
sessions() {    # DIR MODE: "" for all
    program=$1/sessions/run mode=$2
    shift 2
    run "$@" "$program" ${mode:+-m "$mode"} tests/sessions/*.txt
}

# Gives each target of tests/fuzz the files of its corpus.
fuzz() {
    for corpus in tests/fuzz/corpus/*; do
        program=build/asan/fuzz/$(basename "$corpus")
        run "$program" "$corpus"
    done
}

faults() {      # DIR ONE_IN: a sample of the grid of `make faults`, by a seed
    program=$1/sessions/faults
    run "$program" -r "$2" -s "${FAULT_SEED:-1}" tests/sessions/*.txt
}

suite() {
    case $1 in
    unit) unit build ;;
    sessions) sessions build "" ;;
    faults) faults build 25 && faults build/asan 100 ;;
    ct) program=sh && run sh tests/secrets/run.sh ;;
    asan) unit build/asan && sessions build/asan "" ;;
    valgrind) unit build $valgrind && sessions build whole $valgrind ;;
    fuzz) fuzz ;;
    proof) program=build/asan/proof/exhaustive && run $program 4 ;;
    compile) bash tests/compile/run.sh >>"$log" 2>&1 ;;
    requirements) program=$python && run $python tests/requirements.py ;;
    size) sh tests/size.sh check >>"$log" 2>&1 ;;
    bench) program=$python && run $python tests/bench/run.py --quick ;;
    interop) $python tests/interop/run.py >>"$log" 2>&1 ;;
    tls) program=$python && run $python tests/ports/tls_run.py ;;
    firmware) program=$python && run $python tests/firmware/run.py ;;
    *) echo "no such suite: $1" >&2; exit 2 ;;
    esac
}

status=0
export UBSAN_OPTIONS=print_stacktrace=1
for name; do
    [ "$name" != total ] || continue
    log=build/logs/$name.log count=build/results/$name.count
    rm -f "$count"
    : >"$log"
    passed=0 failed=0
    begun=$(date +%s)
    suite "$name"
    case $name in
    compile | size | interop) read -r passed failed <"$count" || { passed=0 failed=1; } ;;
    esac
    echo "$passed $failed" >"$count"
    seconds=$(($(date +%s) - begun))
    if [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]; then
        printf '%-12s %4d passed  (%d s)\n' "$name" "$passed" $seconds
    else
        status=1
        case $name in compile | size | interop) show_failures "$log" ;; esac
        printf '%-12s %4d passed, %d FAILED  (%d s; see %s)\n' "$name" "$passed" "$failed" $seconds "$log"
    fi
done

if [ "$name" = total ]; then
    cat build/results/*.count |
        awk '{ p += $1; f += $2 } END { printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0 }'
    status=$?
fi
exit $status
