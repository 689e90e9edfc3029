/* emulator.h: of QEMU alone, beyond board.h. */
#ifndef EMULATOR_H
#define EMULATOR_H

#include <stdbool.h>
#include <stddef.h>

/* Whether this word was given with -semihosting-config arg=WORD. */
bool emulator_argument(const char *word);
/* Reads the host's /dev/urandom. The random numbers of a real device come from its own generator. */
bool emulator_entropy_not_for_production(void *out, size_t n);
/* Prints NAME VALUE; a line for people and for tests. */
void emulator_print_figure(const char *name, unsigned long value);

#endif
