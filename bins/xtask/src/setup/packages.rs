//! System packages: finds which programs are missing and installs them with apt-get, or says what to install.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::bail;

use crate::steps::Steps;

/// Whether system packages may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Given beforehand, by `--yes` or CI=true.
    Given,
    /// To be asked for, on a terminal.
    Ask,
}

impl Consent {
    /// From the flag and the environment.
    pub(crate) fn of(yes: bool) -> Self {
        if yes || env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") { Self::Given } else { Self::Ask }
    }
}

/// Something the system must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Builds libopus.
    Cmake,
    /// Builds libopus and SQLite.
    CCompiler,
    /// Builds libopus' C++-aware CMake project on machines that have only a linker.
    Make,
    /// Finds libvpx for the build.
    PkgConfig,
    /// Encodes and decodes VP8; the build links to it.
    Libvpx,
    /// Assembles what makes H.264 fast: without it openh264 is built too, and takes up to three times as long for a picture.
    Nasm,
    /// Runs Synapse and the aiortc caller.
    Python,
    /// Makes Python environments.
    PythonVenv,
    /// Builds the pages.
    Node,
    /// Builds the pages.
    Npm,
    /// Calls as a browser does.
    Chromium,
    /// Drives Chromium.
    ChromeDriver,
    /// Calls as another browser does; it needs no driver besides itself.
    Firefox,
    /// Relays for callers that are told to go by it.
    Turn,
    /// Speaks for the demo's simulated callers.
    Espeak,
    /// Is measured beside the focus, and needed for nothing else.
    Janus,
}

impl Need {
    /// To build the focus.
    pub(crate) const BUILD: [Self; 6] =
        [Self::Cmake, Self::CCompiler, Self::Make, Self::PkgConfig, Self::Libvpx, Self::Nasm];
    /// To make a Python environment.
    pub(crate) const PYTHON: [Self; 2] = [Self::Python, Self::PythonVenv];
    /// To build the pages.
    pub(crate) const PAGES: [Self; 2] = [Self::Node, Self::Npm];
    /// To run Chromium.
    pub(crate) const BROWSER: [Self; 2] = [Self::Chromium, Self::ChromeDriver];
    /// What only tests stand on: other ways to call than Chromium's straight one.
    pub(crate) const OTHER_WAYS: [Self; 2] = [Self::Firefox, Self::Turn];

    /// A command that succeeds where the need is met.
    const fn probe(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Cmake => ("cmake", &["--version"]),
            Self::CCompiler => ("cc", &["--version"]),
            Self::Make => ("make", &["--version"]),
            Self::PkgConfig => ("pkg-config", &["--version"]),
            Self::Libvpx => ("pkg-config", &["--exists", "vpx"]),
            Self::Nasm => ("nasm", &["--version"]),
            Self::Python => ("python3", &["--version"]),
            // What Debian and Ubuntu leave out of python3 is ensurepip.
            Self::PythonVenv => ("python3", &["-c", "import ensurepip, venv"]),
            Self::Node => ("node", &["--version"]),
            Self::Npm => ("npm", &["--version"]),
            Self::Chromium => ("chromium", &["--version"]),
            Self::ChromeDriver => ("chromedriver", &["--version"]),
            Self::Firefox => ("firefox-esr", &["--version"]),
            Self::Turn => ("turnserver", &["--version"]),
            Self::Espeak => ("espeak-ng", &["--version"]),
            // Janus 1.1 fails when it is asked for its version, but not when asked for help.
            Self::Janus => ("janus", &["--help"]),
        }
    }

    const fn met_by(self, distribution: Distribution) -> &'static str {
        match self {
            Self::Cmake => "cmake",
            Self::CCompiler | Self::Make => "build-essential",
            Self::PkgConfig => "pkg-config",
            Self::Libvpx => "libvpx-dev",
            Self::Nasm => "nasm",
            Self::Python => "python3",
            Self::PythonVenv => "python3-venv",
            Self::Node => "nodejs",
            Self::Npm => "npm",
            Self::Chromium => match distribution {
                Distribution::Ubuntu => "chromium-browser",
                Distribution::Other => "chromium",
            },
            Self::ChromeDriver => match distribution {
                Distribution::Ubuntu => "chromium-chromedriver",
                Distribution::Other => "chromium-driver",
            },
            Self::Firefox => "firefox-esr",
            Self::Turn => "coturn",
            Self::Espeak => "espeak-ng",
            Self::Janus => "janus",
        }
    }

    fn is_met(self) -> bool {
        let (program, arguments) = self.probe();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Distribution {
    /// Names its Chromium packages differently.
    Ubuntu,
    Other,
}

impl Distribution {
    fn here() -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        if release.lines().any(|line| line == "ID=ubuntu") { Self::Ubuntu } else { Self::Other }
    }
}

/// Installs what of `needs` is missing, with consent.
///
/// # Errors
///
/// When there is no apt-get or no consent (the error then says what to install), when installing fails, or when something is
/// still missing afterwards.
pub(crate) fn ensure(steps: &Steps, consent: Consent, needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<Need> = needs.iter().copied().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = packages(&missing, Distribution::here());
    let list = packages.join(" ");
    let Some(apt_get) = find_program("apt-get") else {
        bail!("this needs programs that are missing; please install (by their names in Debian): {list}");
    };
    if consent == Consent::Ask && !ask(steps, &list)? {
        bail!("not installed: {list}");
    }
    let command = |arguments: &[&str]| {
        let mut command = match find_program("sudo") {
            Some(sudo) if !is_root() => {
                let mut command = Command::new(sudo);
                command.args(["DEBIAN_FRONTEND=noninteractive".as_ref(), apt_get.as_os_str()]);
                command
            }
            _ => {
                let mut command = Command::new(&apt_get);
                command.env("DEBIAN_FRONTEND", "noninteractive");
                command
            }
        };
        command.args(arguments);
        command
    };
    steps.step(&format!("Installing {list}"), "apt", |log| {
        // The lists may be old or empty; should renewing them fail, installing may still work, or says what is wrong.
        log.try_run(&mut command(&["update"]))?;
        let mut install = command(&["install", "--yes", "--no-install-recommends"]);
        log.run(install.args(&packages))
    })?;
    let still: Vec<&str> = missing.iter().filter(|need| !need.is_met()).map(|need| need.probe().0).collect();
    if still.is_empty() {
        Ok(())
    } else {
        bail!("installed {list}, and yet these do not work: {}", still.join(", "))
    }
}

/// The packages that meet `needs`, each once.
fn packages(needs: &[Need], distribution: Distribution) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs.iter().map(|need| need.met_by(distribution)).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn ask(steps: &Steps, list: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!(
            "this needs system packages, and there is nobody to ask: run again with --yes, or install {list}"
        );
    }
    steps.say(&format!("These system packages are missing: {list}\nInstall them with apt-get? [y/N]"));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join(name)).find(|path| path.is_file())
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1));
    effective == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_package_may_meet_two_needs() {
        let needs = [Need::Make, Need::Cmake, Need::CCompiler];
        assert_eq!(packages(&needs, Distribution::Other), ["build-essential", "cmake"]);
    }

    #[test]
    fn a_probe_fails_where_the_program_is_missing() {
        assert!(Need::CCompiler.is_met(), "whoever builds this has a C compiler for linking");
        assert_eq!(find_program("no-such-program-anywhere"), None);
    }
}
