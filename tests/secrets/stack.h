/* stack.h - calls on a stack that can be searched, so that none of it is the test's.  SPDX: MIT */
#ifndef STACK_H
#define STACK_H

#include <string.h>
#include <ucontext.h>

static unsigned char stack[131072];     /* what a call did not touch is 0xA5 */
static ucontext_t here, there;
static void (*to_call)(void);

static void enter(void) { to_call(); }

static void call_on_stack(void (*f)(void))
{
    memset(stack, 0xA5, sizeof stack);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = sizeof stack;
    there.uc_link = &here;
    to_call = f;
    makecontext(&there, enter, 0);
    swapcontext(&here, &there);
}

#endif
