#!/bin/sh
# faults.sh: the whole grid of faults.c in two processes; what each kind of fault came to, and the sums of both
cd "$(dirname "$0")/../.." || exit 2
log=build/logs/faults
mkdir -p build/logs
build/sessions/faults -p 0/2 tests/sessions/*.txt >$log.0 2>&1 &
build/sessions/faults -p 1/2 tests/sessions/*.txt >$log.1 2>&1
wait
grep -ah '^FAIL' $log.0 $log.1
cat $log.0 $log.1 | awk '
    / x / && /^ *[0-9]+ x / { n = $1; sub(/^ *[0-9]+ x /, ""); kind[$0] += n }
    / transcripts, / { t += $1; f += $3 }
    /^[0-9]+ passed, [0-9]+ failed$/ { p += $1; bad += $3; ended++ }
    END { for (k in kind) printf "%8d x %s\n", kind[k], k
          if (ended < 2) { print "FAIL a process ended badly"; bad++ }
          printf "%d transcripts, %d faults%s\n%d passed, %d failed\n", t, f, bad == 0 ? ", all survived" : "", p, bad
          exit bad > 0 }'
