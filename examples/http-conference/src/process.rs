//! What this process takes of the machine, as Linux tells it (proc(5)).

use std::fs;

use serde::Serialize;

/// What the process takes. All zeros where there is no `/proc`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Usage {
    /// Its id.
    pub(crate) pid: u32,
    /// CPU time of all its threads since its start, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Memory that it has in use (resident set), in bytes.
    pub(crate) rss_bytes: u64,
    /// Its threads.
    pub(crate) threads: u64,
}

/// What this process takes now.
pub(crate) fn usage() -> Usage {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    Usage {
        pid: std::process::id(),
        cpu_seconds: cpu_seconds(&read("stat")).unwrap_or_default(),
        rss_bytes: line(&read("status"), "VmRSS:").unwrap_or_default() * 1024,
        threads: line(&read("status"), "Threads:").unwrap_or_default(),
    }
}

/// CPU time by fields 14 and 15 of `/proc/[pid]/stat`, user and system, in clock ticks; Linux tells 100 of them a second to programs on
/// all its common architectures (`USER_HZ`). The name in field 2 may have spaces and parentheses in it.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

/// The number in a line of `/proc/[pid]/status`.
fn line(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_anything_in_it() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 99";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(line("Name:\tx\nVmRSS:\t  2048 kB\nThreads:\t3\n", "VmRSS:"), Some(2048));
    }

    #[test]
    fn a_process_takes_something() {
        let usage = usage();
        assert!(usage.rss_bytes > 100_000 && usage.threads > 0, "{usage:?}");
    }
}
