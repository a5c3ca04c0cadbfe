// Runs from an executable that no longer exists: what it is has to come from /proc/PID/exe or from
// memory. It copies itself to $TMPDIR, runs the copy, and the copy deletes itself.
#include "fixture.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

static volatile unsigned long heartbeat;

FRAME void run_deleted(const char *path) {
    unlink(path);
    ready();
    answer(&heartbeat);
    KEEP_FRAME();
}

int main(int argc, char **argv) {
    if (argc > 1) run_deleted(argv[1]);

    char path[4096];
    const char *directory = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/deleted-XXXXXX", directory ? directory : "/tmp");
    int copy = mkstemp(path), original = open("/proc/self/exe", O_RDONLY);
    while (sendfile(copy, original, NULL, 1 << 20) > 0) {}
    if (fchmod(copy, 0700) != 0 || close(copy) != 0) return 1;
    execl(path, "deleted", path, (char *)NULL);
    return 1;
}
