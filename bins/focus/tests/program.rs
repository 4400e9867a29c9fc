//! The program as an operator meets it: what it writes, how it ends, and with which exit code.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A directory with a configuration that `focus registration` wrote, with free ports and a homeserver that is down.
fn installed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let nobody = "http://127.0.0.1:1";
    let written = focus(
        dir.path(),
        &[
            "registration",
            "--server-name",
            "example.org",
            "--listen",
            "127.0.0.1:0",
            "--homeserver-url",
            nobody,
        ],
    );
    assert_eq!(written.status.code(), Some(0), "{written:?}");
    assert!(String::from_utf8_lossy(&written.stdout).contains("app_service_config_files"));
    dir
}

fn command(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_focus"));
    command.current_dir(dir);
    for variable in ["CONFOCAL_AS_TOKEN", "CONFOCAL_HS_TOKEN", "CONFOCAL_STATUS_TOKEN"] {
        command.env_remove(variable);
    }
    command
}

fn focus(dir: &Path, arguments: &[&str]) -> Output {
    command(dir).args(arguments).output().unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn what_registration_writes_passes_the_check() {
    let dir = installed();
    let checked = focus(dir.path(), &["check-config"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    assert_eq!(checked.stdout, b"focus.toml: OK\n");

    let again = focus(dir.path(), &["registration", "--server-name", "example.org"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(complaint(&again).contains("focus.toml exists already"), "{again:?}");
}

#[test]
fn a_wrong_configuration_is_exit_code_2_and_named() {
    let dir = installed();
    let path = dir.path().join("focus.toml");
    let text = fs::read_to_string(&path).unwrap().replace("ice_lite", "ice_light");
    fs::write(&path, text).unwrap();
    for arguments in [["check-config"], ["run"]] {
        let refused = focus(dir.path(), &arguments);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(complaint(&refused).contains(": media.ice_light: unknown field"), "{refused:?}");
    }
    assert_eq!(focus(dir.path(), &["run", "-c", "absent.toml"]).status.code(), Some(2));
    assert_eq!(focus(dir.path(), &["dance"]).status.code(), Some(2));
}

#[test]
fn a_sound_that_cannot_be_played_is_exit_code_2_and_named() {
    let dir = installed();
    let path = dir.path().join("focus.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("[sounds]\n", "[sounds]\nmusic = \"letter.ogg\"\n")).unwrap();
    fs::write(dir.path().join("letter.ogg"), "Dear reader, this is a letter.").unwrap();
    for arguments in [["check-config"], ["run"]] {
        let refused = focus(dir.path(), &arguments);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(
            complaint(&refused)
                .contains(": sounds.music: letter.ogg: is neither a WAV nor an Ogg file; convert"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_failed_start_is_exit_code_1_and_named() {
    let dir = installed();
    fs::write(dir.path().join("confocal.db"), "Dear reader, this is a letter.").unwrap();
    let failed = focus(dir.path(), &["run"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    assert!(complaint(&failed).contains("confocal.db is not a store of this program"), "{failed:?}");
}

#[test]
fn sigterm_and_sigint_end_it_with_exit_code_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let dir = installed();
        let mut running = command(dir.path()).arg("run").stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(running.stderr.take().unwrap()).lines();
        // At the end of the log it has ended of its own, which is the failure.
        let listening = log.by_ref().any(|line| line.unwrap().contains("listening"));
        assert!(listening, "it never listened");

        kill(Pid::from_raw(running.id().try_into().unwrap()), signal).unwrap();
        let rest: Vec<String> = log.map(Result::unwrap).collect();
        let ended = running.wait().unwrap();
        assert_eq!(ended.code(), Some(0), "{signal}: {rest:?}");
        assert!(
            rest.iter().any(|line| line.contains("ending") && line.contains(signal.as_str())),
            "{rest:?}"
        );
        assert!(!rest.iter().any(|line| line.contains("not everything ended in time")), "{rest:?}");
    }
}
