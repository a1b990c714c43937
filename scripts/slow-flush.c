/* Makes each flush of a program take longer by SLOW_FLUSH_US microseconds, as on a slower disk: preloaded by scripts/bench-log
   into PostgreSQL, hence the same for everything that is compared. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd) {
    static int (*real)(int);
    static unsigned pause_us;
    if (!real) {
        const char *asked = getenv("SLOW_FLUSH_US");
        pause_us = asked ? (unsigned)strtoul(asked, NULL, 10) : 0;
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    }
    if (pause_us)
        usleep(pause_us);
    return real(fd);
}
