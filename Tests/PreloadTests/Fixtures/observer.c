// SPDX-License-Identifier: Apache-2.0
// Stands where a collector or a createdump is expected, and writes down how it was started: argv
// and environ, each entry with a NUL behind it, an empty entry between them, to <own path>.seen.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
  char path[4096 + 8];
  ssize_t length = readlink("/proc/self/exe", path, 4096);
  if (length < 0) return 99;
  strcpy(path + length, ".seen");
  FILE *file = fopen(path, "w");
  if (!file) return 99;
  for (int i = 0; i < argc; i++) fwrite(argv[i], 1, strlen(argv[i]) + 1, file);
  fputc(0, file);
  for (char **entry = environ; *entry; entry++) fwrite(*entry, 1, strlen(*entry) + 1, file);
  fclose(file);
  return 0;
}
