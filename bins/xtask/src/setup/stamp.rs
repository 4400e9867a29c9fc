//! Stamps: a file that says from which inputs a thing was made, so that it is made again only when they change.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The stamp of one made thing.
#[derive(Debug)]
pub(crate) struct Stamp {
    path: PathBuf,
    inputs: String,
}

impl Stamp {
    /// The stamp in the file `path` for a thing made from these files and directories (entered, except `node_modules`), and `also`.
    ///
    /// The hash may change with the Rust version; the thing is then made once more.
    pub(crate) fn of(path: PathBuf, inputs: &[&Path], also: &str) -> anyhow::Result<Self> {
        let mut hasher = DefaultHasher::new();
        also.hash(&mut hasher);
        for input in inputs {
            for file in files(input)? {
                file.hash(&mut hasher);
                fs::read(&file)
                    .with_context(|| format!("could not read {}", file.display()))?
                    .hash(&mut hasher);
            }
        }
        Ok(Self { path, inputs: format!("{:016x}\n", hasher.finish()) })
    }

    /// The thing was made from what the inputs still are.
    pub(crate) fn holds(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|stamped| stamped == self.inputs)
    }

    /// To be called before the thing is made anew: half made, it must not look made.
    pub(crate) fn lift(&self) -> anyhow::Result<()> {
        if self.path.exists() {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }

    /// To be called when the thing is made.
    pub(crate) fn set(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.inputs)
            .with_context(|| format!("could not write {}", self.path.display()))
    }
}

/// All files at and under `path`, sorted.
pub(crate) fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).with_context(|| format!("could not read {}", path.display()))? {
        let entry = entry?.path();
        if entry.file_name().is_some_and(|name| name != "node_modules") {
            found.extend(files(&entry)?);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_holds_until_an_input_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let inputs = directory.path().join("inputs");
        fs::create_dir_all(inputs.join("node_modules")).expect("made");
        fs::write(inputs.join("a"), "1").expect("written");
        let stamp = |also| Stamp::of(directory.path().join("stamp"), &[&inputs], also).expect("readable");

        assert!(!stamp("x").holds());
        stamp("x").set().expect("written");
        assert!(stamp("x").holds());
        assert!(!stamp("y").holds(), "made from something else");
        fs::write(inputs.join("node_modules/b"), "1").expect("written");
        assert!(stamp("x").holds(), "installed packages are no input");
        fs::write(inputs.join("a"), "2").expect("written");
        assert!(!stamp("x").holds());
        fs::write(inputs.join("a"), "1").expect("written");
        assert!(stamp("x").holds());
        stamp("x").lift().expect("removed");
        assert!(!stamp("x").holds());
    }

    #[test]
    fn a_missing_input_is_told() {
        let error =
            Stamp::of(PathBuf::from("stamp"), &[Path::new("/no/such/file")], "").expect_err("missing");
        assert!(format!("{error:#}").contains("/no/such/file"));
    }
}
