//! Links between documents lead to files and headings that are there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::process::root;

/// Where documents are, besides the root itself.
const PLACES: [&str; 7] = ["docs", "events", "functions", "local", "shared", "tests", ".github"];

/// Fewer than this, and they are elsewhere.
const LINKS_MIN: usize = 60;

fn documents() -> Vec<PathBuf> {
    let entries =
        |folder: &Path| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let (mut found, mut folders) = (entries(&root()), PLACES.map(|place| root().join(place)).to_vec());
    while let Some(folder) = folders.pop() {
        let (inner, files): (Vec<_>, Vec<_>) = entries(&folder).into_iter().partition(|path| path.is_dir());
        folders.extend(inner);
        found.extend(files);
    }
    found.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "md"));
    found
}

/// The lines that are prose: not those of blocks of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What a document links to, without what is elsewhere on the web.
fn links(text: &str) -> Vec<String> {
    let targets = prose(text).flat_map(|line| {
        // Outside of `code`.
        let said: Vec<&str> = line.split('`').step_by(2).collect();
        let said = said.join("`");
        said.split("](").skip(1).filter_map(|rest| rest.split(')').next().map(str::to_owned)).collect::<Vec<_>>()
    });
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

/// Names of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// What is wrong with a link of a document.
fn broken(document: &Path, target: &str) -> Option<String> {
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() { document.to_owned() } else { document.parent().unwrap().join(path) };
    let shown = document.strip_prefix(root()).unwrap().display();
    if !file.exists() {
        return Some(format!("{shown}: there is no {target}"));
    }
    let has_heading = heading.is_empty() || anchors(&std::fs::read_to_string(&file).unwrap()).contains(heading);
    (!has_heading).then(|| format!("{shown}: {target} has no such heading"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for document in documents() {
        let links = links(&std::fs::read_to_string(&document).unwrap());
        count += links.len();
        wrong.extend(links.iter().filter_map(|target| broken(&document, target)));
    }
    assert!(count >= LINKS_MIN, "documents are elsewhere: {count} links");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_link_is_found_where_it_is_one() {
    let text = "[a](b.md#c-d) and `[x](y.md)` and [w](https://x.y)\n```sh\n[k](l.md)\n```\n# C, d!\n[e](#c-d)";
    assert_eq!(links(text), ["b.md#c-d", "#c-d"]);
    assert_eq!(anchors(text), BTreeSet::from(["c-d".to_owned()]));
}
