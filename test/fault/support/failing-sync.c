// For LD_PRELOAD: fsync and fdatasync of files whose path contains the text in the file FAILING_SYNC fail with EIO.
// An empty or missing file: nothing fails.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int shall_fail(int descriptor) {
  const char *control = getenv("FAILING_SYNC");
  FILE *file = control ? fopen(control, "r") : NULL;
  if (!file) return 0;
  char text[256] = "";
  int read = fscanf(file, "%255s", text);
  fclose(file);
  if (read != 1) return 0;
  char link[64], path[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH_MAX);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, text) != NULL;
}

#define FAILING(name)                                                   \
  int name(int descriptor) {                                            \
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, #name);           \
    if (!shall_fail(descriptor)) return real(descriptor);               \
    errno = EIO;                                                        \
    return -1;                                                          \
  }

FAILING(fsync)
FAILING(fdatasync)
