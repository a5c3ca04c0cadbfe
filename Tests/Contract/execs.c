// SPDX-License-Identifier: Apache-2.0
// exec in all its forms, its errors, and the environment that it passes on.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "contract.h"

extern char **environ;

// The shim adds these for a .NET runtime, as docs/ARCHITECTURE.md says, and the tests themselves the rest.
static bool is_shims(const char *entry) {
  const char *const prefixes[] = {"DOTNET_Dbg", "COMPlus_Dbg", "LD_PRELOAD=", "INQUEST_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (!strncmp(entry, prefixes[i], strlen(prefixes[i]))) return true;
  return false;
}

static void print_environment(void) {
  for (char **entry = environ; entry && *entry; entry++)
    if (!is_shims(*entry)) say("%s", *entry);
}

static void run(const char *what, void (*change)(void)) {
  IN_CHILD(what) {
    change();
    execute_self("print-environment");
  }
}

static char *own[] = {"ONE=1", "EMPTY=", "=odd", "none", NULL};
static char *doubled[] = {"A=1", "A=2", "B=", "A=3", NULL};
static char *wild[] = {"", "=", "INQUEST_CATCH", "LD_PRELOAD", NULL};

static void own_environment(void) { environ = own; }
static void added(void) {
  setenv("ADDED", "yes", 1);
  putenv("PUT=directly");
  setenv("HOME", "/changed", 1);
  setenv("HOME", "/not/changed", 0);
}
static void removed(void) {
  unsetenv("HOME");
  putenv("PATH");  // takes it out, in glibc as in musl
}
static void cleared(void) {
  clearenv();
  setenv("AFTER", "clearing", 1);
}
static void none(void) { environ = NULL; }
static void twice(void) { environ = doubled; }

static void child_environment_as_is(void) { run("as it is", print_environment); }
static void child_environment_own(void) { run("own", own_environment); }
static void child_environment_added(void) { run("added", added); }
static void child_environment_removed(void) { run("removed", removed); }
static void child_environment_cleared(void) { run("cleared", cleared); }
static void child_environment_null(void) { run("NULL", none); }
static void child_environment_doubled(void) { run("doubled", twice); }

static void read_environment(void) {
  const char *const names[] = {"HOME", "LC_ALL", "INQUEST_NO_SUCH", "INQUEST_SAVED_SWIFT_BACKTRACE",
                               "inquest", "INQUEST", ""};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    say("%s is %s", names[i], value ? value : "not set");
  }
}

static void environment_of_a_shell(void) {
  IN_CHILD("shell")
  execle("/bin/sh", "sh", "-c", "echo $GIVEN; export MORE=2; sh -c 'echo $GIVEN $MORE'", (char *)NULL,
         (char *[]){"GIVEN=1", NULL});
}

static void dies_without_environment(void) {
  IN_CHILD("cleared") {
    clearenv();
    *nowhere = 1;
  }
  IN_CHILD("none") {
    environ = NULL;
    *nowhere = 1;
  }
  IN_CHILD("wild") {
    environ = wild;
    *nowhere = 1;
  }
}

static void make(const char *path, mode_t mode, const char *text) {
  unlink(path);
  int file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);
  require(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
  fchmod(file, mode);
  close(file);
}

static void attempt(const char *path) {
  char *arguments[] = {"x", NULL};
  errno = 0;
  int result = execv(path, arguments);
  say("%s: %d %s", path, result, error_name(errno));
}

static void missing(void) {
  attempt("/nonexistent");
  attempt("");
  make("file", 0644, "x");
  attempt("file/x");
}

static void not_permitted(void) {
  make("plain", 0644, "#!/bin/sh\n");
  attempt("./plain");
  attempt("/");
}

static void not_a_program(void) {
  make("words", 0755, "words");
  attempt("./words");
  make("empty", 0755, "");
  attempt("./empty");
  make("bad", 0755, "#!/nonexistent/interpreter\n");
  attempt("./bad");
}

static void busy(void) {
  char *arguments[] = {"x", NULL};
  make("open", 0755, "#!/bin/sh\n");
  int file = open("open", O_WRONLY | O_CLOEXEC);
  execv("./open", arguments);
  say("%s", error_name(errno));
  close(file);
}

static void too_big(void) {
  size_t size = 200 * 1024;  // one argument may have 128 KiB: MAX_ARG_STRLEN
  char *huge = malloc(size);
  memset(huge, 'x', size - 1);
  huge[size - 1] = 0;
  char *arguments[] = {"x", huge, NULL};
  execv("/bin/true", arguments);
  say("%s", error_name(errno));
  char *variables[] = {huge, NULL};
  execve("/bin/true", (char *[]){"x", NULL}, variables);
  say("%s", error_name(errno));
}

static void loop(void) {
  unlink("loop");
  require(symlink("loop", "loop") == 0, "symlink");
  attempt("loop");
}

static void script(void) {
  make("script", 0755, "#!/bin/sh\necho \"$0 $1\"; kill -SEGV $$\n");
  IN_CHILD("script") execl("./script", "name", "word", (char *)NULL);
}

static void nameless_script(void) {
  make("nameless", 0755, "echo without an interpreter $1\n");
  IN_CHILD("execv") {
    execl("./nameless", "name", "word", (char *)NULL);
    say("%s", error_name(errno));
  }
  IN_CHILD("execvp") {
    execlp("./nameless", "name", "word", (char *)NULL);
    say("%s", error_name(errno));
  }
}

static void search(void) {
  mkdir("first", 0755);
  mkdir("second", 0755);
  make("first/tool", 0644, "#!/bin/sh\necho first\n");
  make("second/tool", 0755, "#!/bin/sh\necho second $PATH $1\n");
  setenv("PATH", "nowhere:first:second:/bin", 1);
  char *arguments[] = {"tool", "word", NULL};
  IN_CHILD("execvp") execvp("tool", arguments);
  IN_CHILD("execlp") execlp("tool", "tool", "other", (char *)NULL);
  IN_CHILD("execvpe") execvpe("tool", arguments, (char *[]){"PATH=/bin", NULL});
  errno = 0;
  execvp("no-such-tool", arguments);
  say("%s", error_name(errno));
  setenv("PATH", "first", 1);
  execvp("tool", arguments);
  say("%s", error_name(errno));
  execvp("", arguments);
  say("%s", error_name(errno));
}

static void by_descriptor(void) {
  char *arguments[] = {"echo", "by descriptor", NULL};
  int program = open("/bin/echo", O_RDONLY | O_CLOEXEC);
  IN_CHILD("fexecve") fexecve(program, arguments, (char *[]){NULL});
  IN_CHILD("execveat") syscall(SYS_execveat, program, "", arguments, environ, AT_EMPTY_PATH);
  fexecve(-1, arguments, environ);
  say("%s", error_name(errno));
}

static void arguments_list(void) {
  IN_CHILD("execl") execl("/bin/echo", "echo", "a", "", "b c", (char *)NULL);
  IN_CHILD("execle")
  execle("/usr/bin/env", "env", "-u", "LD_PRELOAD", "sh", "-c", "echo $X", (char *)NULL,
         (char *[]){"X=1", "PATH=/bin:/usr/bin", NULL});
}

static void failing_exec_changes_nothing(void) {
  struct sigaction now;
  signal(SIGSEGV, SIG_IGN);
  signal(SIGBUS, SIG_DFL);
  block(SIGABRT);
  attempt("/nonexistent");
  sigaction(SIGBUS, NULL, &now);
  say_action("SIGBUS", &now);
  print_environment();
  IN_CHILD("then") raise(SIGBUS);
}

static void closed_on_exec(void) {
  int kept = open("/dev/null", O_RDONLY), closed = open("/dev/null", O_RDONLY | O_CLOEXEC);
  say("%d %d", kept, closed);
  IN_CHILD("shell")
  execl("/bin/sh", "sh", "-c", "for n in 3 4; do test -e /proc/$$/fd/$n && echo $n is open; done",
        (char *)NULL);
}

const struct behaviour behaviours[] = {
    {"print-environment", print_environment},
    {"child-environment-as-is", child_environment_as_is},
    {"child-environment-own", child_environment_own},
    {"child-environment-added", child_environment_added},
    {"child-environment-removed", child_environment_removed},
    {"child-environment-cleared", child_environment_cleared},
    {"child-environment-null", child_environment_null},
    {"child-environment-doubled", child_environment_doubled},
    {"read-environment", read_environment},
    {"environment-of-a-shell", environment_of_a_shell},
    {"dies-without-environment", dies_without_environment},
    {"missing", missing},
    {"not-permitted", not_permitted},
    {"not-a-program", not_a_program},
    {"busy", busy},
    {"too-big", too_big},
    {"loop", loop},
    {"script", script},
    {"nameless-script", nameless_script},
    {"search", search},
    {"by-descriptor", by_descriptor},
    {"arguments-list", arguments_list},
    {"failing-exec-changes-nothing", failing_exec_changes_nothing},
    {"closed-on-exec", closed_on_exec},
    {NULL, NULL},
};
