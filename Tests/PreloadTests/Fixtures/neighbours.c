// Finds its arguments and its auxiliary vector the way some runtimes do: by where they lie around
// environ. Prints them next to what main and the kernel say.
#include <elf.h>
#include <stdio.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
  char **word = environ - 2;
  long count = 0;
  while ((long)*word != count) word--, count++;
  printf("argc %d %ld\n", argc, count);
  for (int i = 0; i < argc; i++) printf("%s %s\n", argv[i], word[1 + i]);
  char **end = environ;
  while (*end) end++;
  for (Elf64_auxv_t *pair = (Elf64_auxv_t *)(end + 1); pair->a_type != AT_NULL; pair++)
    if (pair->a_type == AT_PAGESZ || pair->a_type == AT_UID || pair->a_type == AT_SECURE)
      printf("%lu %lu %lu\n", pair->a_type, pair->a_un.a_val, getauxval(pair->a_type));
  return 0;
}
