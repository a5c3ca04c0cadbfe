// Stands in for createdump and dumps nothing: appends one line of JSON to $CREATEDUMP_LOG that says
// how the runtime called it and which thread of the parent waits for it. For measure and for tests.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_string(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', out);
        fputc((unsigned char)*text < ' ' ? '?' : *text, out);
    }
    fputc('"', out);
}

// The value of "key:" in /proc/self/status, without the newline.
static const char *status(const char *key) {
    static char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    const char *value = "";
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':') {
            line[strcspn(line, "\n")] = 0;
            value = line + strlen(key) + 1;
            value += strspn(value, "\t ");
            break;
        }
    }
    if (file) fclose(file);
    return value;
}

static int read_line(char *line, int size, const char *format, int pid, const char *tid) {
    char path[128];
    snprintf(path, sizeof path, format, pid, tid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int found = fgets(line, size, file) != NULL;
    fclose(file);
    line[found ? strcspn(line, "\n") : 0] = 0;
    return found;
}

// The parent's thread that sits in wait4(our pid, …), if any.
static int find_waiter(int parent, char *tid, char *name) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/task", parent);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        int number;
        unsigned long first;
        if (entry->d_name[0] != '.' &&
            read_line(line, sizeof line, "/proc/%d/task/%s/syscall", parent, entry->d_name) &&
            sscanf(line, "%d %lx", &number, &first) == 2 && number == 61 && (int)first == getpid()) {
            strcpy(tid, entry->d_name);
            read_line(name, 64, "/proc/%d/task/%s/comm", parent, tid);
            closedir(tasks);
            return 1;
        }
    }
    if (tasks) closedir(tasks);
    return 0;
}

int main(int argc, char **argv) {
    const char *path = getenv("CREATEDUMP_LOG");
    FILE *out = path ? fopen(path, "a") : NULL;
    if (!out) return 1;

    char tid[300] = "", name[64] = "", directory[4096] = "";
    for (int tries = 0; tries < 100 && !find_waiter(getppid(), tid, name); tries++) usleep(10000);
    if (!getcwd(directory, sizeof directory)) directory[0] = 0;

    fprintf(out, "{\"argv\": [");
    for (int i = 0; i < argc; i++) {
        if (i) fputs(", ", out);
        print_string(out, argv[i]);
    }
    fprintf(out, "], \"pid\": %d, \"parent\": %d, \"cwd\": ", getpid(), getppid());
    print_string(out, directory);
    fprintf(out, ", \"blocked\": \"%s\"", status("SigBlk"));
    fprintf(out, ", \"ignored\": \"%s\"", status("SigIgn"));
    fprintf(out, ", \"waiter\": \"%s\", \"waiter_name\": ", tid);
    print_string(out, name);
    fprintf(out, "}\n");
    return fclose(out) ? 1 : 0;
}
