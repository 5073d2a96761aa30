//! Headers that tell what a file is for, files one can read, and nothing left for later.

use std::path::{Path, PathBuf};

use crate::harness::process::{files_under, root};

/// A file longer than this holds more than one subject.
const LINES_MAX: usize = 600;

const PARTS: [&str; 4] = ["shared", "functions", "local", "tests/it"];

/// Put together here, so that this file may be read too.
fn left_for_later() -> [String; 4] {
    [["FIX", "ME"], ["TO", "DO"], ["todo", "!("], ["unimplemented", "!("]].map(|parts| parts.concat())
}

fn sources() -> Vec<(PathBuf, String)> {
    let files = PARTS.iter().flat_map(|part| files_under(&root().join(part)));
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.map(|file| (shown(&file), std::fs::read_to_string(&file).unwrap())).collect()
}

fn shown(file: &Path) -> PathBuf {
    file.strip_prefix(root()).unwrap().to_owned()
}

/// All that break a rule at once, not one at a time.
#[track_caller]
fn check(rule: &str, is_broken: impl Fn(&str) -> bool) {
    let sources = sources();
    assert!(sources.len() > 100, "the sources are elsewhere");
    let broken: Vec<_> = sources.iter().filter(|(_, text)| is_broken(text)).map(|(file, _)| file).collect();
    assert!(broken.is_empty(), "{rule}: {broken:#?}");
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    check("a file without a header", |text| !text.starts_with("//! "));
}

#[test]
fn no_file_is_too_long_to_read() {
    check("a file that is too long", |text| text.lines().count() > LINES_MAX);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = left_for_later();
    check("something is left for later", |text| marks.iter().any(|mark| text.contains(mark)));
}

#[test]
fn every_function_and_room_is_on_the_map() {
    let map = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for folder in ["functions", "shared/src"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert!(!path.is_dir() || map.contains(&name), "docs/ARCHITECTURE.md does not name {folder}/{name}");
        }
    }
}

#[test]
fn the_tests_themselves_are_short_files() {
    /// One subject each.
    const TEST_LINES_MAX: usize = 350;
    let long = files_under(&root().join("tests/it"))
        .into_iter()
        .filter(|file| std::fs::read_to_string(file).unwrap().lines().count() > TEST_LINES_MAX);
    let long: Vec<_> = long.collect();
    assert!(long.is_empty(), "{long:?}");
}
