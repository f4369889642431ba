/*
 * A disk that fails, or that remembers in which order it was written: loaded
 * before the C library (LD_PRELOAD) it stands between a program and the files
 * of one folder. Linux with glibc on 64 bits; `disk.rs` compiles and drives it.
 *
 * COUNTERTOP_DISK_FOLDER   the folder, without symbolic links; files below it
 *                          and the folder itself are watched, nothing else is.
 * COUNTERTOP_DISK_CONTROL  a file of struct control, which both sides map or
 *                          read: which of the next calls fails, and how.
 * COUNTERTOP_DISK_TRACE    a file to which each call that changes the disk is
 *                          appended with its data, in the order of the calls.
 *
 * One lock is held from the call to its record: what stands first in the trace
 * was done first. Watched are the calls that SQLite and Rust's `std::fs` make
 * of a file: no `dup`, no `writev`, no `mmap` to write with (SQLite maps the
 * `-shm` alone, which nobody needs after a power cut).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "a place in a file has 64 bits");

/* Sorts of calls, as bits of control.kinds. */
enum { WRITE = 1, TRUNCATE = 2, SYNC = 4, UNLINK = 8, RENAME = 16, CREATE = 32 };

/* Written by the test while nothing runs that it means; eight bytes each. */
struct control {
    uint64_t nth;     /* the call that fails, from 1; 0: none */
    uint64_t error;   /* its errno; 0: it writes the half and says so, of WRITE alone */
    uint64_t kinds;   /* the sorts of calls that count */
    uint64_t forever; /* not 0: so does each that comes after it */
    uint64_t seen;    /* calls that counted since; ours to write */
    uint64_t failed;  /* calls that failed since; ours to write */
};

/* Before each record of the trace; `length` bytes follow. */
struct record {
    uint64_t what; /* 'O'pened, 'W'ritten, 'T'runcated, 'S'ynced, 'U'nlinked, 'R'enamed */
    uint64_t handle;
    uint64_t at; /* where; the new size; of an opened one 1: it is new, 2: it was emptied */
    uint64_t length;
};

enum { MOST = 65536 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder; /* NULL: nothing is watched */
static volatile struct control *control;
static int trace = -1;
static uint64_t handles;
static uint64_t handle_of[MOST]; /* by descriptor; 0: not ours */

static int real_open(const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

__attribute__((constructor)) static void begin(void) {
    const char *of_control = getenv("COUNTERTOP_DISK_CONTROL");
    const char *of_trace = getenv("COUNTERTOP_DISK_TRACE");
    if (of_control) {
        int fd = real_open(of_control, O_RDWR | O_CLOEXEC, 0);
        void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED) abort();
        syscall(SYS_close, fd);
        control = page;
    }
    if (of_trace) {
        trace = real_open(of_trace, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (trace < 0) abort();
    }
    folder = getenv("COUNTERTOP_DISK_FOLDER");
}

/* The path as the trace has it, "" for the folder itself; NULL: not ours. */
static const char *inside(const char *path) {
    size_t length = folder ? strlen(folder) : 0;
    if (!length || !path || strncmp(path, folder, length) != 0) return NULL;
    if (path[length] == '/') return path + length + 1;
    return path[length] ? NULL : "";
}

static uint64_t *ours(int fd) {
    return fd >= 0 && fd < MOST && handle_of[fd] ? &handle_of[fd] : NULL;
}

static void note(char what, uint64_t handle, uint64_t at, const void *data, size_t length) {
    if (trace < 0) return;
    struct record head = { (uint64_t)what, handle, at, length };
    struct iovec parts[2] = { { &head, sizeof head }, { (void *)data, length } };
    /* In one piece: a trace with a hole would accuse the innocent. */
    if (syscall(SYS_writev, trace, parts, 2) != (long)(sizeof head + length)) abort();
}

/* Whether this call is the one: then errno says why, or is 0 for a half write. */
static int fails(uint64_t kind) {
    if (!control || !control->nth || !(control->kinds & kind)) return 0;
    uint64_t seen = ++control->seen;
    if (seen != control->nth && !(control->forever && seen > control->nth)) return 0;
    control->failed++;
    errno = (int)control->error;
    return 1;
}

static int opened(const char *path, int flags, mode_t mode) {
    const char *name = inside(path);
    if (!name) return real_open(path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    int fd = -1;
    if (!is_new || !fails(CREATE)) fd = real_open(path, flags, mode);
    int error = errno;
    if (fd >= MOST) abort();
    if (fd >= 0) {
        handle_of[fd] = ++handles;
        note('O', handles, (is_new ? 1 : 0) | (flags & O_TRUNC ? 2 : 0), name, strlen(name));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPENED(path, flags)                                     \
    mode_t mode = 0;                                            \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                      \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode = (mode_t)va_arg(more, int);                       \
        va_end(more);                                           \
    }                                                           \
    return opened(path, flags, mode)

int open(const char *path, int flags, ...) { OPENED(path, flags); }
int open64(const char *path, int flags, ...) { OPENED(path, flags); }

int openat(int at, const char *path, int flags, ...) {
    if (at != AT_FDCWD && path[0] != '/') {
        /* Whoever walks through folders reads. */
        mode_t mode = 0;
        if (flags & (O_CREAT | O_TMPFILE)) {
            va_list more;
            va_start(more, flags);
            mode = (mode_t)va_arg(more, int);
            va_end(more);
        }
        return (int)syscall(SYS_openat, at, path, flags, mode);
    }
    OPENED(path, flags);
}

int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));

int close(int fd) {
    if (ours(fd)) {
        pthread_mutex_lock(&lock);
        handle_of[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, fd);
}

/* `at` below 0: where the descriptor stands. */
static ssize_t written(int fd, const void *data, size_t length, off_t at) {
    pthread_mutex_lock(&lock);
    off_t from = at < 0 ? (off_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR) : at;
    ssize_t done = -1;
    int failed = fails(WRITE);
    if (failed && !errno && length > 1) {
        failed = 0;
        length /= 2;
    }
    if (!failed || !errno) {
        done = at < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, at);
        if (done > 0) note('W', handle_of[fd], (uint64_t)from, data, (size_t)done);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    return ours(fd) ? written(fd, data, length, -1) : syscall(SYS_write, fd, data, length);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t at) {
    return ours(fd) ? written(fd, data, length, at) : syscall(SYS_pwrite64, fd, data, length, at);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) __attribute__((alias("pwrite64")));

int ftruncate64(int fd, off_t size) {
    if (!ours(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails(TRUNCATE)) {
        done = (int)syscall(SYS_ftruncate, fd, size);
        if (!done) note('T', handle_of[fd], (uint64_t)size, NULL, 0);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate(int fd, off_t size) __attribute__((alias("ftruncate64")));

/* The real disk need not be waited for by a test: it plays the trace, and a
 * program that is killed leaves its pages to the system. */
static int synced(int fd, long how) {
    if (!ours(fd)) return (int)syscall(how, fd);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails(SYNC)) {
        done = trace < 0 && !control ? (int)syscall(how, fd) : 0;
        if (!done) note('S', handle_of[fd], 0, NULL, 0);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int unlink(const char *path) {
    const char *name = inside(path);
    if (!name) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&lock);
    int done = -1;
    /* What is not there cannot fail to go: SQLite asks that often. */
    int is_there = syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
    if (!is_there || !fails(UNLINK)) {
        done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
        if (!done) note('U', 0, 0, name, strlen(name));
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int rename(const char *from, const char *to) {
    const char *name = inside(from), *becomes = inside(to);
    if (!name || !becomes) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails(RENAME)) {
        done = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
        char both[8192];
        size_t first = strlen(name), second = strlen(becomes);
        if (first + second >= sizeof both) abort();
        memcpy(both, name, first);
        both[first] = '\n';
        memcpy(both + first + 1, becomes, second);
        if (!done) note('R', 0, 0, both, first + 1 + second);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
