/* main.c - gives each file of the directories named to a fuzz target, without libFuzzer.  SPDX: MIT */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned files;

static void feed_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t n;

    if (f == NULL || stat(path, &st) != 0) {
        fprintf(stderr, "FAIL cannot read %s\n", path);
        exit(1);
    }
    data = (uint8_t *)exact(NULL, (size_t)st.st_size);
    n = fread(data, 1, (size_t)st.st_size, f);
    fclose(f);
    fprintf(stderr, "%s\n", path);      /* the last one printed is the one that failed */
    alarm(30);                          /* one that hangs is ended */
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    files++;
}

static void feed_dir(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char name[4096];

    if (d == NULL) {
        feed_file(path);
        return;
    }
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/%s", path, e->d_name);
            feed_file(name);
        }
    closedir(d);
}

int main(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++)
        feed_dir(argv[i]);
    printf("%u passed, 0 failed\n", files);
    return files == 0;
}
