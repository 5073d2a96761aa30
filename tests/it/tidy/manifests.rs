//! No member of the workspace stands outside its lints, and no crate of ours may write `unsafe`.

use std::path::PathBuf;

use crate::harness::process::{files_under, root};

/// Where members lie.
const PLACES: [&str; 4] = ["shared", "functions", "local", "tests"];

/// Fewer than this, and the members are elsewhere.
const MEMBERS_MIN: usize = 10;

fn manifests() -> Vec<(PathBuf, String)> {
    let files = PLACES.iter().flat_map(|place| files_under(&root().join(place)));
    let files = files.filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"));
    files.map(|file| (file.clone(), std::fs::read_to_string(&file).unwrap())).collect()
}

/// The lines of a table, up to the next one.
fn table<'a>(manifest: &'a str, name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != name).skip(1);
    lines.take_while(|line| !line.starts_with('[')).collect()
}

#[test]
fn every_member_is_held_to_the_workspaces_lints() {
    let manifests = manifests();
    assert!(manifests.len() >= MEMBERS_MIN, "the members are elsewhere: {}", manifests.len());
    let is_free = |text: &str| !table(text, "[lints]").contains(&"workspace = true");
    let free: Vec<_> = manifests.iter().filter(|(_, text)| is_free(text)).map(|(file, _)| file).collect();
    assert!(free.is_empty(), "members with lints of their own, or none: {free:#?}");
}

#[test]
fn the_workspace_forbids_unsafe_code() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = table(&workspace, "[workspace.lints.rust]");
    assert!(lints.contains(&r#"unsafe_code = "forbid""#), "{lints:?}");
}
