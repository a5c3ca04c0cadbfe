// SPDX-License-Identifier: Apache-2.0
// Tells the overflow of a coroutine's stack from other memory faults.
#ifndef HANDLER_H
#define HANDLER_H

// Once for the process.
void handler_install(void);

// Once for each thread: a new thread has no alternate stack (sigaltstack(2): it is not inherited by
// pthread_create), and a handler cannot start on the stack that has just overflowed.
void handler_prepare_thread(void);

#endif
