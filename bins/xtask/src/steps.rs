//! Progress: one line per step with what it does and how long it took. What its programs say goes to a log file, named in the
//! line, and is shown when the step fails.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "showing progress is what this module is for")]

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use confocal_testing::parts::Places;
use confocal_testing::parts::process::log_tail;

/// How much of a failed step's log is shown.
const SHOWN_LINES: usize = 80;

/// Runs steps and shows them.
#[derive(Debug)]
pub(crate) struct Steps {
    places: Places,
}

/// How a step's program ended, when both ways are of use.
#[derive(Debug)]
pub(crate) struct Ended {
    /// It exited with 0.
    pub(crate) success: bool,
    /// What it said.
    pub(crate) output: String,
}

impl Steps {
    pub(crate) fn new(places: Places) -> anyhow::Result<Self> {
        let logs = places.logs();
        fs::create_dir_all(&logs).with_context(|| format!("could not make {}", logs.display()))?;
        Ok(Self { places })
    }

    pub(crate) const fn places(&self) -> &Places {
        &self.places
    }

    /// Says something that is no step.
    #[expect(clippy::unused_self, reason = "whoever has no Steps has nothing to say")]
    pub(crate) fn say(&self, text: &str) {
        println!("{text}");
    }

    /// Does `work` as one step, whose programs write to the step's log.
    pub(crate) fn step<T>(
        &self,
        what: &str,
        log_name: &str,
        work: impl FnOnce(&Log) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let log = Log::create(self.places.logs().join(format!("{log_name}.log")))?;
        let done = self.act(&format!("{what} (log: {})", log.path.display()), || work(&log));
        if done.is_err() {
            println!("--- the end of {} ---\n{}\n---", log.path.display(), log_tail(&log.path, SHOWN_LINES));
        }
        done
    }

    /// Does `work` as one step that has no log of its own; its error says what went wrong.
    #[expect(clippy::unused_self, reason = "as with `say`")]
    pub(crate) fn act<T>(&self, what: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        print!("{what} ... ");
        // A line that is not yet shown helps nobody; that it can't be shown is seen by whoever looks.
        let _ = io::stdout().flush();
        let from = Instant::now();
        let done = work();
        let ended = if done.is_ok() { "done in" } else { "failed after" };
        println!("{ended} {:.1} s", from.elapsed().as_secs_f32());
        done
    }
}

/// A step's log file.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn create(path: PathBuf) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("could not write {}", path.display()))?;
        file.set_len(0)?;
        Ok(Self { path, file })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a program to its end, its output into the log; an error when it fails.
    pub(crate) fn run(&self, command: &mut Command) -> anyhow::Result<()> {
        let line = show(command);
        let ended = self.try_run(command)?;
        if !ended.success {
            bail!("`{line}` failed; all it said is in {}", self.path.display());
        }
        Ok(())
    }

    /// Runs a program to its end, its output into the log; an error only when it can't be started.
    pub(crate) fn try_run(&self, command: &mut Command) -> anyhow::Result<Ended> {
        let line = show(command);
        writeln!(&self.file, "$ {line}")?;
        let from = self.file.metadata()?.len();
        let status = command
            .stdin(Stdio::null())
            .stdout(self.file.try_clone()?)
            .stderr(self.file.try_clone()?)
            .status()
            .with_context(|| format!("could not start `{line}`"))?;
        let all = fs::read(&self.path)?;
        let own = all.get(usize::try_from(from)?..).unwrap_or_default();
        Ok(Ended { success: status.success(), output: String::from_utf8_lossy(own).into_owned() })
    }
}

/// Runs cargo in the workspace; it and what it starts use our target directory.
pub(crate) fn cargo(steps: &Steps, log: &Log, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(Places::workspace()).env("CARGO_TARGET_DIR", steps.places().target());
    // What cargo told us of ourselves is not for the packages that it builds now: some of their build scripts look at these,
    // and would build half the tree anew whenever cargo is called once by hand and once from here.
    for (name, _) in env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    log.run(&mut command)
}

/// Says why a command failed.
pub(crate) fn say_error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

fn show(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
