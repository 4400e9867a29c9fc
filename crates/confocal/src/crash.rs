//! Crash points: named places in the program at which it stops when it is told to, so that a test can kill it just there.
//!
//! Only with the feature `crash-points`, which no program that people use is built with, and only where the environment names a
//! point. What a crash must leave behind never lives here.

use std::io::{self, Write as _};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, raise};

/// The variable that names the point at which to stop: `after-commit:answer`, or `after-commit` whatever it is about.
const VARIABLE: &str = "CONFOCAL_CRASH_AT";

/// Stops the process for good if this is the point that the environment names: one line on standard error says that it is reached,
/// then no thread goes on, as in a crash.
pub fn reached(point: &str, about: &str) {
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let Some(wanted) = WANTED.get_or_init(|| std::env::var(VARIABLE).ok()) else { return };
    let is_wanted = match wanted.split_once(':') {
        Some((wanted, what)) => wanted == point && what == about,
        None => wanted == point,
    };
    if !is_wanted {
        return;
    }
    // Whoever waits for it reads it, or waits in vain; there is nothing else to do about it here.
    let _ = writeln!(io::stderr(), "crash point reached: {wanted}");
    let _ = raise(Signal::SIGSTOP);
    // Somebody woke the process. This thread has ended all the same.
    loop {
        std::thread::park();
    }
}
