// SPDX-License-Identifier: Apache-2.0
// An innocent program: says what it was given, and ends with a status of its own.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  setenv("GREETING", "hello", 1);
  for (int i = 0; i < argc; i++) printf("%d %s\n", i, i ? argv[i] : "greeting");
  printf("%s from %s\n", getenv("GREETING"), getenv("HOME"));
  unsetenv("GREETING");
  printf("%d\n", getenv("GREETING") != NULL);
  return 3;
}
