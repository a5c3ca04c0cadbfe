// Spins, with a frame pointer, in code from a file that is no ELF file: two pages mapped with PROT_EXEC.
// libunwind's own ptrace accessors then unmap whatever lies at some other place (#739), if they can open the file:
// it stays, in TMPDIR.
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#if defined(__x86_64__)
// push %rbp; mov %rsp,%rbp; 1: lock incq (%rdi); jmp 1b
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xf0, 0x48, 0xff, 0x07, 0xeb, 0xfa};
#else
// stp x29, x30, [sp, #-16]!; mov x29, sp; 1: ldr x1, [x0]; add x1, x1, #1; str x1, [x0]; b 1b
static const unsigned code[] = {0xa9bf7bfd, 0x910003fd, 0xf9400001, 0x91000421, 0xf9000001, 0x17fffffd};
#endif
static volatile unsigned long rounds;
static void *mapped;

FRAME void call_mapped(void) {
    ((void (*)(volatile unsigned long *))mapped)(&rounds);
    KEEP_FRAME();
}

FRAME void *spinner(void *unused) {
    call_mapped();
    KEEP_FRAME();
    return unused;
}

int main(void) {
    char path[4096];
    const char *directory = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/mapped-XXXXXX", directory ? directory : "/tmp");
    int file = mkstemp(path);
    if (ftruncate(file, 8192) != 0 || pwrite(file, code, sizeof code, 0) != sizeof code) return 1;
    mapped = mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    pthread_t thread;
    if (mapped == MAP_FAILED || pthread_create(&thread, NULL, spinner, NULL) != 0) return 1;
    ready();
    for (char line[256]; fgets(line, sizeof line, stdin);) {
        printf("alive %lu\n", rounds);
        fflush(stdout);
    }
    return 0;
}
