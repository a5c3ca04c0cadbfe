// SPDX-License-Identifier: Apache-2.0
// A native service: it reads three sensors in turn, one of which is pulled out after a while, and nobody looks
// whether it still is there. It knows nothing of Inquest.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sensor {
  const char *name;
  int offset;
};

static struct sensor kitchen = {"kitchen", 1}, cellar = {"cellar", -7}, roof = {"roof", 3};
static struct sensor *sensors[] = {&kitchen, &cellar, &roof};

static int read_sensor(int index, int turn) {
  struct sensor *sensor = sensors[index];
  return 20 + turn % 5 + sensor->offset;
}

static void report_all(int turn) {
  for (int i = 0; i < 3; i++) printf("%d ", read_sensor(i, turn));
  printf("\n");
  fflush(stdout);
}

int main(void) {
  for (int turn = 1;; turn++) {
    if (turn == 4) sensors[1] = NULL;
    report_all(turn);
    usleep(50 * 1000);
  }
}
