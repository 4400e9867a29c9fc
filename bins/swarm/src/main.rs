//! `swarm --callers 50 --target-pid PID`: puts callers on a conference server and tells what they heard. Exits with 1 when they would not
//! have been content, with 2 when it could not be tried.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its table and its progress are what it is for"
)]

use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use swarm::plan::Plan;
use swarm::run::run;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> ExitCode {
    let plan = Plan::parse();
    match measure(&plan).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn measure(plan: &Plan) -> anyhow::Result<bool> {
    let say = |line: &str| {
        if !plan.quiet {
            eprintln!("{line}");
        }
    };
    let report = run(plan, say).await?;
    print!("{report}");
    if let Some(path) = &plan.json {
        let json = serde_json::to_vec_pretty(&report)?;
        fs::write(path, json).with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(report.passed)
}
