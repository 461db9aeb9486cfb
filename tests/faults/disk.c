/* Stands between a process and its disk (LD_PRELOAD): writes down what it does to a folder, or refuses it.
 *
 *   DISK_FOLDER   the folder; whatever is done elsewhere is left alone
 *   DISK_LOG      file that gets each operation which changed something there, in order (tests/faults/crash/log.py reads it)
 *   DISK_REFUSE   file that holds the number of an error while changes are to fail with it; empty or not there: nothing fails
 *
 * SQLite's -shm file is mapped into memory, and so not seen; nobody needs it after a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static const char *folder, *refuse;

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("DISK_LOG");
  folder = getenv("DISK_FOLDER");
  refuse = getenv("DISK_REFUSE");
  if (log) log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The name within the folder ("" is the folder itself), or NULL. */
static const char *inside(const char *path) {
  size_t length = folder ? strlen(folder) : 0;
  if (!length || !path || strncmp(path, folder, length)) return NULL;
  if (path[length] == '/') return path + length + 1;
  return path[length] ? NULL : path + length;
}

static const char *inside_fd(int fd, char *path) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return NULL;
  path[length] = 0;
  return inside(path);
}

/* Whether to refuse, with errno set. */
static int refused(void) {
  char number[16] = "";
  if (!refuse) return 0;
  int fd = syscall(SYS_openat, AT_FDCWD, refuse, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return 0;
  syscall(SYS_read, fd, number, sizeof number - 1);
  syscall(SYS_close, fd);
  if (atoi(number)) errno = atoi(number);
  return atoi(number) != 0;
}

static void put(const void *data, size_t length) {
  while (length) {
    ssize_t done = syscall(SYS_write, log_file, data, length);
    if (done <= 0) abort();
    data = (const char *)data + done;
    length -= done;
  }
}

static void logged(char what, const char *name, uint64_t offset, const void *data, uint32_t length) {
  int error = errno;
  uint32_t of_name = strlen(name);
  if (log_file < 0) return;
  put(&what, 1);
  put(&of_name, 4);
  put(&length, 4);
  put(&offset, 8);
  put(name, of_name);
  put(data, length);
  errno = error;
}

/* What is done and what is logged of it stay together. */
#define DO(type, name, call, what, offset, data, length) \
  do { \
    if (!(name)) return call; \
    if (refused()) return -1; \
    pthread_mutex_lock(&one_at_a_time); \
    type done = call; \
    if (done >= 0) logged(what, name, offset, data, length); \
    pthread_mutex_unlock(&one_at_a_time); \
    return done; \
  } while (0)

static int opened(int (*real)(int, const char *, int, ...), int at, const char *path, int flags, mode_t mode) {
  const char *name = at == AT_FDCWD || (path && *path == '/') ? inside(path) : NULL;
  if (!name || (!(flags & (O_CREAT | O_TRUNC)) && (flags & O_ACCMODE) == O_RDONLY)) return real(at, path, flags, mode);
  if (refused()) return -1;
  pthread_mutex_lock(&one_at_a_time);
  int was_there = faccessat(AT_FDCWD, path, F_OK, 0) == 0;
  int done = real(at, path, flags, mode);
  if (done >= 0 && !was_there) logged('c', name, 0, "", 0);
  if (done >= 0 && was_there && (flags & O_TRUNC)) logged('t', name, 0, "", 0);
  pthread_mutex_unlock(&one_at_a_time);
  return done;
}

#define MODE mode_t mode = 0; va_list more; va_start(more, flags); if (flags & O_CREAT) mode = va_arg(more, mode_t); va_end(more)

int open(const char *path, int flags, ...) { MODE; return opened(REAL(openat), AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE; return opened(REAL(openat64), AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE; return opened(REAL(openat), at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE; return opened(REAL(openat64), at, path, flags, mode); }

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  char path[PATH_MAX];
  const char *name = inside_fd(fd, path);
  DO(ssize_t, name, REAL(pwrite64)(fd, data, length, offset), 'w', offset, data, done);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

ssize_t write(int fd, const void *data, size_t length) {
  char path[PATH_MAX];
  const char *name = inside_fd(fd, path);
  struct stat found;
  uint64_t offset = 0;
  if (name && fcntl(fd, F_GETFL) & O_APPEND) offset = fstat(fd, &found) ? 0 : found.st_size;
  else if (name) offset = lseek(fd, 0, SEEK_CUR);
  DO(ssize_t, name, REAL(write)(fd, data, length), 'w', offset, data, done);
}

int ftruncate64(int fd, off64_t size) {
  char path[PATH_MAX];
  const char *name = inside_fd(fd, path);
  DO(int, name, REAL(ftruncate64)(fd, size), 't', size, "", 0);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) {
  char path[PATH_MAX];
  const char *name = inside_fd(fd, path);
  DO(int, name, REAL(fsync)(fd), 's', 0, "", 0);
}
int fdatasync(int fd) {
  char path[PATH_MAX];
  const char *name = inside_fd(fd, path);
  DO(int, name, REAL(fdatasync)(fd), 's', 0, "", 0);
}

int mkdir(const char *path, mode_t mode) {
  const char *name = inside(path);
  DO(int, name, REAL(mkdir)(path, mode), 'm', 0, "", 0);
}
int unlink(const char *path) {
  const char *name = inside(path);
  DO(int, name, REAL(unlink)(path), 'u', 0, "", 0);
}
int rename(const char *from, const char *to) {
  const char *name = inside(from), *renamed = inside(to);
  DO(int, name, REAL(rename)(from, to), 'r', 0, renamed ? renamed : "", renamed ? strlen(renamed) : 0);
}
