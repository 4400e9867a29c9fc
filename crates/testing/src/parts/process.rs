//! A program that runs beside us: started in a process group of its own, logged to a file, and ended with its group when the
//! handle is dropped or this process dies in whatever way. Knows nothing of what the program is for.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::StartError;

/// How often a condition is asked for again.
const POLL: Duration = Duration::from_millis(40);

/// How much of a log an error quotes.
const SHOWN_LINES: usize = 30;

/// A running program with its process group.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    group: Pid,
    // Reads from a pipe that only we hold, and kills the group when the pipe ends: by then we are gone.
    watchdog: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
    killed: bool,
}

impl Running {
    /// Starts `command`, its output appended to the file `log`, its input empty. `name` is for messages.
    ///
    /// # Errors
    ///
    /// [`StartError::File`] for the log, [`StartError::Spawn`] for the program.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, StartError> {
        let out = open_log(log)?;
        command.stdin(Stdio::null()).stderr(open_log(log)?).stdout(out);
        Self::spawn(name, command, log)
    }

    /// Starts `command` to be talked to: its input and output are pipes, its errors go to the file `log`.
    ///
    /// # Errors
    ///
    /// As [`Running::start`].
    pub fn start_talking(
        name: &str,
        mut command: Command,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout), StartError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(open_log(log)?);
        let mut running = Self::spawn(name, command, log)?;
        match (running.child.stdin.take(), running.child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((running, stdin, stdout)),
            _ => Err(spawn_error(name, io::Error::other("no pipes"))),
        }
    }

    fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self, StartError> {
        let mut child = command.process_group(0).spawn().map_err(|source| spawn_error(name, source))?;
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let watchdog = Command::new("sh")
            .args(["-c", "read -r _; kill -s KILL -- \"-$1\"", "watchdog", &group.to_string()])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match watchdog {
            Ok(watchdog) => Ok(Self {
                name: name.to_owned(),
                child,
                group,
                watchdog,
                log: log.to_path_buf(),
                ended: None,
                killed: false,
            }),
            Err(source) => {
                let _ = killpg(group, Signal::SIGKILL);
                let _ = child.wait();
                Err(spawn_error("sh", source))
            }
        }
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The process id of the program.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the program ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Waits until `check` is true, asking again and again.
    ///
    /// # Errors
    ///
    /// [`StartError::Ended`] when the program ends before that, [`StartError::NotReady`] after `deadline`.
    pub async fn ready(
        &mut self,
        deadline: Duration,
        mut check: impl AsyncFnMut() -> bool,
    ) -> Result<(), StartError> {
        let from = Instant::now();
        loop {
            if check().await {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                return Err(self.ended_early(status));
            }
            if from.elapsed() > deadline {
                return Err(self.not_ready(deadline));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits for a program that ends by itself to do so with success.
    ///
    /// # Errors
    ///
    /// [`StartError::Ended`] when it ends otherwise, [`StartError::NotReady`] after `deadline`.
    pub async fn succeeds(&mut self, deadline: Duration) -> Result<(), StartError> {
        let from = Instant::now();
        while self.ended().is_none() && from.elapsed() < deadline {
            tokio::time::sleep(POLL).await;
        }
        match self.ended {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.ended_early(status)),
            None => Err(self.not_ready(deadline)),
        }
    }

    /// Asks the program to end (SIGTERM) and waits; `None` when it still runs after `deadline`.
    pub async fn terminate(&mut self, deadline: Duration) -> Option<ExitStatus> {
        let _ = nix::sys::signal::kill(self.group, Signal::SIGTERM);
        let from = Instant::now();
        while self.ended().is_none() && from.elapsed() < deadline {
            tokio::time::sleep(POLL).await;
        }
        self.ended
    }

    /// Ends the whole group at once (SIGKILL) and waits for the program's end. Twice is as once.
    pub fn kill(&mut self) {
        if !self.killed {
            // Also when the program itself has ended: what it started may still run.
            let _ = killpg(self.group, Signal::SIGKILL);
            self.killed = true;
        }
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
        }
    }

    fn ended_early(&self, status: ExitStatus) -> StartError {
        StartError::Ended {
            program: self.name.clone(),
            status,
            log: self.log.clone(),
            tail: log_tail(&self.log, SHOWN_LINES),
        }
    }

    fn not_ready(&self, waited: Duration) -> StartError {
        StartError::NotReady {
            program: self.name.clone(),
            waited,
            log: self.log.clone(),
            tail: log_tail(&self.log, SHOWN_LINES),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// The last `lines` lines of a log file, or as much of them as can be read.
#[must_use]
pub fn log_tail(log: &Path, lines: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn open_log(log: &Path) -> Result<File, StartError> {
    let file_error = |source| StartError::File { path: log.to_path_buf(), source };
    if let Some(directory) = log.parent() {
        fs::create_dir_all(directory).map_err(file_error)?;
    }
    File::options().create(true).append(true).open(log).map_err(file_error)
}

fn spawn_error(program: &str, source: io::Error) -> StartError {
    StartError::Spawn { program: program.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alive(id: u32) -> bool {
        // A zombie is no longer alive, though it has an entry.
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    async fn until(what: &str, mut check: impl FnMut() -> bool) {
        let from = Instant::now();
        while !check() {
            assert!(from.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// A shell that starts a grandchild, writes its id to the log, and waits.
    async fn family(log: &Path) -> (Running, u32) {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo $!; wait"]);
        let running = Running::start("family", command, log).expect("sh is there");
        let mut grandchild = None;
        until("the grandchild's id", || {
            grandchild = log_tail(log, 1).trim().parse::<u32>().ok();
            grandchild.is_some()
        })
        .await;
        (running, grandchild.expect("just seen"))
    }

    #[tokio::test]
    async fn dropping_ends_the_whole_group() {
        let directory = tempfile::tempdir().expect("a directory");
        let (running, grandchild) = family(&directory.path().join("log")).await;
        let child = running.id();
        assert!(alive(child) && alive(grandchild));
        drop(running);
        until("all gone", || !alive(child) && !alive(grandchild)).await;
    }

    #[tokio::test]
    async fn the_watchdog_ends_the_group_when_its_pipe_breaks() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut running, grandchild) = family(&directory.path().join("log")).await;
        // What the system does to the pipe when this process dies.
        drop(running.watchdog.stdin.take());
        until("the grandchild is gone", || !alive(grandchild)).await;
        until("the child has ended", || running.ended().is_some()).await;
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_told_with_its_log() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck >&2; exit 3"]);
        let mut running =
            Running::start("early", command, &directory.path().join("log")).expect("sh is there");
        let error = running.ready(Duration::from_secs(10), async || false).await.expect_err("it never is");
        assert!(
            matches!(&error, StartError::Ended { status, tail, .. } if status.code() == Some(3) && tail == "no such luck")
        );
    }
}
