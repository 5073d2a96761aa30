//! The tests that `docs/SECURITY.md` names exist.

use crate::harness::process::{files_under, root};

/// The names in the table's last column: modules and tests, with `*` for any text.
fn named() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/SECURITY.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| API"));
    let cells = rows.filter_map(|line| line.split('|').nth(4));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn every_test_that_the_threat_table_names_is_there() {
    let sources: Vec<(String, String)> = ["tests/it", "shared/src", "local"]
        .iter()
        .flat_map(|folder| files_under(&root().join(folder)))
        .map(|file| (file.display().to_string(), std::fs::read_to_string(&file).unwrap()))
        .collect();
    let names = named();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        if name.ends_with(".sh") {
            assert!(root().join("tests/lanes").join(&name).is_file(), "{name}");
            continue;
        }
        let parts: Vec<&str> = name.split("::").collect();
        let has_module = |part: &str| {
            let (file, folder) = (format!("/{part}.rs"), format!("/{part}/"));
            sources.iter().any(|(path, _)| path.ends_with(&file) || path.contains(&folder))
        };
        assert!(has_module(parts[0]), "{name}: no module {}", parts[0]);
        for part in &parts[1..] {
            let is_test = sources.iter().any(|(_, text)| match part.strip_prefix('*') {
                Some(middle) => text.contains(middle.trim_end_matches('*')),
                None => text.contains(&format!("fn {part}(")),
            });
            assert!(is_test || has_module(part) || *part == "tests", "{name}: nothing is called {part}");
        }
    }
}
