//! Where installed things lie and new ones may be made: all of it under the target directory. Never installs anything.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::StartError;

/// The directory `confocal` in cargo's target directory, and what is in it.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
}

impl Places {
    /// Looks where cargo does: `CARGO_TARGET_DIR` (relative to the workspace if relative), else `target` in the workspace.
    #[must_use]
    pub fn find() -> Self {
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        Self { root: Self::workspace().join(target).join("confocal") }
    }

    /// The workspace's top directory, where `Cargo.toml` and `target` are.
    #[must_use]
    pub fn workspace() -> PathBuf {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.ancestors().nth(2).unwrap_or(here).to_path_buf()
    }

    /// The directory that everything else is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's target directory.
    #[must_use]
    pub fn target(&self) -> &Path {
        self.root.parent().unwrap_or(&self.root)
    }

    /// Log files of the developer commands.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The Python environment with Synapse and aiortc.
    #[must_use]
    pub fn venv(&self) -> PathBuf {
        self.root.join("venv")
    }

    /// The built pages: `demo.html`, `person.html` and what they load.
    #[must_use]
    pub fn web(&self) -> PathBuf {
        self.root.join("web")
    }

    /// Synthesised speech for the demo's callers.
    #[must_use]
    pub fn speech(&self) -> PathBuf {
        self.root.join("speech")
    }

    /// The sources of the Python parts, in the repository.
    #[must_use]
    pub fn python_sources() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("python")
    }

    /// The sources of the pages, in the repository.
    #[must_use]
    pub fn web_sources() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
    }

    /// The interpreter of the Python environment.
    ///
    /// # Errors
    ///
    /// [`StartError::NotInstalled`] when the environment is not there.
    pub fn python(&self) -> Result<PathBuf, StartError> {
        let path = self.venv().join("bin/python");
        if path.exists() {
            Ok(path)
        } else {
            Err(StartError::NotInstalled { what: "the Python environment", path })
        }
    }

    /// Makes an empty directory for one run, named after it and this process. It stays after the run, for its logs, until the next
    /// run of that name.
    ///
    /// # Errors
    ///
    /// [`StartError::File`] when it can't be made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf, StartError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let runs = self.root.join("runs");
        remove_ended(&runs, name);
        let path = runs.join(format!("{name}-{}-{number}", process::id()));
        // Left by an earlier process that had our id.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|source| StartError::File { path: path.clone(), source })?;
        Ok(path)
    }
}

/// Removes what runs of this name have left whose process has ended.
fn remove_ended(runs: &Path, name: &str) {
    for run in fs::read_dir(runs).into_iter().flatten().flatten() {
        let file_name = run.file_name();
        let owner =
            file_name.to_str().and_then(|run| run.strip_prefix(name)?.strip_prefix('-')?.split_once('-'));
        let Some((owner, number)) = owner else { continue };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let lives = Path::new("/proc").join(owner).exists();
        if is_number(owner) && is_number(number) && !lives {
            // What can't be removed now is removed by the next run.
            let _ = fs::remove_dir_all(run.path());
        }
    }
}

/// Where ports to listen on are looked for: below those that Linux gives to connections of its own accord (32768 and up), so that
/// none of these is taken by a connection before its listener has come.
const PORTS: std::ops::Range<u16> = 10_000..30_000;

/// A TCP port of 127.0.0.1 that nobody listens on now, another one each time. Whoever needs it should take it soon: nothing keeps
/// it free.
///
/// # Errors
///
/// [`StartError::Port`] when there is none.
pub fn free_port() -> Result<u16, StartError> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Processes that run side by side begin at different ones.
    let first = process::id().wrapping_mul(101);
    let mut last = None;
    for _ in 0..count {
        let at = first.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(at).unwrap_or_default();
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = Some(error),
        }
    }
    Err(StartError::Port(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: std::collections::BTreeSet<u16> =
            (0..500).map(|_| free_port().expect("a free port")).collect();
        assert_eq!(ports.len(), 500);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }

    #[test]
    fn runs_of_ended_processes_go_and_others_stay() {
        let root = tempfile::tempdir().expect("a directory");
        let places = Places { root: root.path().to_path_buf() };
        let ours = places.scratch("call").expect("made");
        // No process has this id: it is above the highest that Linux gives.
        let runs = root.path().join("runs");
        let (ended, other) = (runs.join("call-4194305-0"), runs.join("call-demo-4194305-0"));
        for run in [&ended, &other] {
            fs::create_dir_all(run).expect("made");
        }
        let second = places.scratch("call").expect("made");
        assert!(ours.is_dir() && second.is_dir() && other.is_dir() && !ended.exists());
    }
}
