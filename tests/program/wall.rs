//! A wall clock that a test can set: a small library that is loaded before the system's own and
//! adds what a file says to the time of day. Other clocks go on as they are.

use std::path::{Path, PathBuf};

use super::world::{Shell, World};

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset(void) {
    const char *path = getenv("WALL_CLOCK_OFFSET");
    FILE *file = path ? fopen(path, "re") : NULL;
    long long seconds = 0;
    if (file) {
        if (fscanf(file, "%lld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t id, struct timespec *at) {
    int result = (int)syscall(SYS_clock_gettime, id, at);
    if (result == 0 && id == CLOCK_REALTIME) at->tv_sec += offset();
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"#;

/// A clock in a world.
pub(crate) struct Wall {
    library: PathBuf,
    offset: PathBuf,
}

impl Wall {
    /// Makes a clock that is right.
    pub(crate) fn new(world: &World, name: &str) -> Self {
        let (source, library) = (world.path("wall.c"), world.path("wall.so"));
        if !library.exists() {
            std::fs::write(&source, SOURCE).unwrap();
            let shell = world.shell(Path::new("/"));
            let [source, library] = [&source, &library].map(|path| path.to_str().unwrap());
            shell.run("cc", &["-shared", "-fPIC", "-O1", "-o", library, source]).succeeded();
        }
        let wall = Self { library, offset: world.path(name) };
        wall.set(0);
        wall
    }

    /// Sets it so many seconds ahead of the right time, or behind.
    pub(crate) fn set(&self, seconds: i64) {
        // Replaced in one go: processes read it at any moment.
        let next = self.offset.with_extension("next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(&next, &self.offset).unwrap();
    }

    /// A shell whose programs see this clock.
    pub(crate) fn shell(&self, shell: &Shell) -> Shell {
        shell.clone().with("LD_PRELOAD", &self.library).with("WALL_CLOCK_OFFSET", &self.offset)
    }
}
