//! # Corpus: what the fuzzer has found, replayed
//!
//! The inputs below `fuzz/corpus/` go through the same properties in `cargo test`, on any
//! toolchain. A package from a registry has no corpus, and nothing to replay.

use std::fs;
use std::path::{Path, PathBuf};

/// Hands every input of `target` to `property`, in the order of their names.
pub(crate) fn replay(target: &str, property: fn(&[u8])) {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    if !corpora.exists() {
        return;
    }
    let entries = fs::read_dir(corpora.join(target)).expect("each target has a corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "the corpus of {target} is empty");
    for path in paths {
        // Said only if the property fails: which input it was.
        println!("{}", path.display());
        property(&fs::read(&path).unwrap());
    }
}
