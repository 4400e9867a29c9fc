//! What a process takes of the machine, as Linux tells it (proc(5)).

use std::fs;

use anyhow::Context as _;

/// CPU time and memory of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPU time of all its threads since its start, in seconds, in steps of 10 ms.
    pub cpu_seconds: f64,
    /// Memory in use (resident set), in bytes.
    pub rss_bytes: u64,
    /// That of it which the process has written, in bytes: without what is mapped from files, as its code, of which the kernel reads in as
    /// much for few callers as for many.
    pub anonymous_bytes: u64,
    /// Threads.
    pub threads: u64,
}

impl Usage {
    /// The memory that the process has written, in MiB.
    #[must_use]
    pub fn anonymous_mib(&self) -> f64 {
        self.anonymous_bytes as f64 / f64::from(1 << 20)
    }
}

/// What a process takes now.
///
/// # Errors
///
/// When there is no such process.
pub fn of(pid: u32) -> anyhow::Result<Usage> {
    let read = |name: &str| {
        fs::read_to_string(format!("/proc/{pid}/{name}"))
            .with_context(|| format!("there is no process {pid}"))
    };
    let (stat, status) = (read("stat")?, read("status")?);
    let number = |name| line(&status, name).with_context(|| format!("/proc/{pid}/status has no {name}"));
    Ok(Usage {
        cpu_seconds: cpu_seconds(&stat).with_context(|| format!("/proc/{pid}/stat is not as expected"))?,
        rss_bytes: number("VmRSS:")? * 1024,
        anonymous_bytes: number("RssAnon:")? * 1024,
        threads: number("Threads:")?,
    })
}

/// Fields 14 and 15 of `/proc/[pid]/stat`, user and system, in clock ticks; Linux tells 100 of them a second to programs on all its
/// common architectures (`USER_HZ`). The name in field 2 may have spaces and parentheses in it.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

fn line(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// CPU time that the host took from this machine since its start ("steal"), in seconds of all cores; 0 where that is not told.
#[must_use]
pub fn stolen_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let field =
        stat.lines().next().and_then(|line| line.split_ascii_whitespace().nth(8)?.parse::<f64>().ok());
    field.unwrap_or_default() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_have_anything_in_it() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 99";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }

    #[test]
    fn this_process_takes_something_and_another_is_not_there() {
        let usage = of(std::process::id()).expect("there is this process");
        assert!(usage.rss_bytes > usage.anonymous_bytes, "{usage:?}");
        assert!(usage.anonymous_bytes > 50_000 && usage.threads > 0, "{usage:?}");
        assert!(of(u32::MAX).is_err());
    }
}
