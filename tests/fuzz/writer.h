/* writer.h - what writer.c asks of each/writer.c.  SPDX: MIT */
#include "fuzz.h"

typedef struct written {
    text out;           /* what the writer wrote */
    text meant;         /* names, values and text as they went in, each on its line */
    int  error;
    int  unknown;       /* a template of the fuzzer's own: what it means is not in `meant` */
    int  odd_name;      /* a name beyond ASCII, of which the oracle knows fewer */
} written;

typedef void writer_run(const uint8_t *data, size_t n, written *r);
writer_run writer_run_0, writer_run_1, writer_run_2, writer_run_3;
