//! The rooms: who may know whom, read from the paths that the sources name.

use std::path::{Path, PathBuf};

use crate::harness::process::{files_under, root};

/// What a part of the code must not name, and why it is said.
struct Rule {
    /// Files under this path, or this file.
    part: &'static str,
    must_not_name: &'static [&'static str],
}

const RULES: [Rule; 15] = [
    Rule {
        part: "shared/src/domain",
        must_not_name: &[
            "crate::blobs", "crate::config", "crate::effects", "crate::fault", "crate::flows", "crate::gather",
            "crate::http", "crate::network", "crate::queue", "crate::sender", "crate::store", "crate::telemetry",
            "aws_config", "aws_sdk", "aws_smithy", "axum::", "http::", "hyper", "tokio", "tracing",
        ],
    },
    Rule { part: "shared/src/flows", must_not_name: &["crate::http", "axum::", "hyper", "aws_sdk", "lambda_"] },
    Rule {
        part: "shared/src/store",
        must_not_name: &["crate::flows", "crate::http", "crate::queue", "crate::blobs", "crate::sender"],
    },
    // The key room is below those that seal with it.
    Rule {
        part: "shared/src/keys",
        must_not_name: &[
            "crate::flows", "crate::http", "crate::store", "crate::queue", "crate::blobs", "crate::sender",
        ],
    },
    Rule {
        part: "shared/src/queue",
        must_not_name: &["crate::flows", "crate::http", "crate::store", "crate::blobs", "crate::sender"],
    },
    Rule {
        part: "shared/src/blobs",
        must_not_name: &["crate::flows", "crate::http", "crate::store", "crate::queue", "crate::sender"],
    },
    Rule {
        part: "shared/src/sender",
        must_not_name: &["crate::flows", "crate::http", "crate::store", "crate::queue", "crate::blobs"],
    },
    Rule {
        part: "shared/src/http",
        must_not_name: &["crate::queue", "crate::sender", "crate::blobs", "aws_sdk", "lambda_"],
    },
    Rule {
        part: "shared/src/config",
        must_not_name: &[
            "crate::flows", "crate::http", "crate::store", "crate::queue", "crate::blobs", "crate::sender",
        ],
    },
    Rule {
        part: "shared/src/effects.rs",
        must_not_name: &["crate::flows", "crate::http", "crate::store", "aws_", "tokio"],
    },
    Rule {
        part: "shared/src/telemetry",
        must_not_name: &[
            "crate::blobs", "crate::config", "crate::fault", "crate::flows", "crate::gather", "crate::http",
            "crate::keys", "crate::network", "crate::queue", "crate::sender", "crate::store", "aws_",
        ],
    },
    Rule { part: "shared/src/network.rs", must_not_name: &["crate::"] },
    Rule { part: "shared/src", must_not_name: &["lambda_", "fanfare_local", "fanfare_engines"] },
    Rule { part: "local/engines/src", must_not_name: &["fanfare::", "fanfare_local", "lambda_"] },
    // The gateway on one machine knows no message and no endpoint: that is what the functions are for.
    Rule {
        part: "local/src",
        must_not_name: &["fanfare::flows", "fanfare::store", "fanfare::queue", "fanfare::sender"],
    },
];

/// Names that belong to one part of `shared/src`.
const OWNED: [(&str, &[&str]); 6] = [
    ("aws_sdk_dynamodb", &["shared/src/store"]),
    ("aws_sdk_sqs", &["shared/src/queue"]),
    ("aws_sdk_kms", &["shared/src/keys"]),
    ("aws_sdk_s3", &["shared/src/blobs"]),
    ("env::var", &["shared/src/config"]),
    ("axum::", &["shared/src/http", "functions"]),
];

/// Code without comments, text and unit tests, each line with where it stands.
fn lines(part: &str) -> Vec<(String, String)> {
    let path = root().join(part);
    let files = if path.is_dir() { files_under(&path) } else { vec![path] };
    let is_code = |file: &&PathBuf| {
        file.extension().is_some_and(|e| e == "rs") && !file.components().any(|c| c.as_os_str() == "tests")
    };
    files.iter().filter(is_code).flat_map(|file| lines_of(file)).collect()
}

fn lines_of(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    let shown = file.strip_prefix(root()).unwrap().display().to_string();
    // Only what stands outside of quotes; that text goes on over lines is rare enough.
    let code = |line: &str| line.split("//").next().unwrap().split('"').step_by(2).collect::<Vec<_>>().join("\"");
    let numbered = text.lines().enumerate().take_while(|(_, line)| *line != "#[cfg(test)]");
    numbered.map(|(number, line)| (format!("{shown}:{}", number + 1), code(line))).collect()
}

/// Whether a line names a path: `http::` is not named by `crate::http::` or `xhttp::`.
fn names(line: &str, path: &str) -> bool {
    let is_start = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    line.match_indices(path).any(|(at, _)| is_start(at))
}

#[test]
fn rooms_know_only_whom_they_may() {
    let mut broken = Vec::new();
    for rule in RULES {
        let lines = lines(rule.part);
        assert!(!lines.is_empty(), "{} is empty", rule.part);
        for (place, line) in lines {
            let named = rule.must_not_name.iter().filter(|path| names(&line, path));
            broken.extend(named.map(|path| format!("{place} names {path}, {} may not", rule.part)));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn what_belongs_to_one_room_is_named_nowhere_else() {
    let mut broken = Vec::new();
    for (place, line) in ["shared/src", "functions"].into_iter().flat_map(lines) {
        for (path, rooms) in OWNED {
            if names(&line, path) && !rooms.iter().any(|room| place.starts_with(room)) {
                broken.push(format!("{place} names {path}, which belongs to {rooms:?}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The flows: each is a file or a folder of its room.
fn flows() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("shared/src/flows/mod.rs")).unwrap();
    // What several flows are made with is private to the room.
    text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned)).collect()
}

#[test]
fn no_flow_uses_a_flow() {
    let flows = flows();
    assert!(flows.len() >= 4, "{flows:?}");
    let mut broken = Vec::new();
    for (place, line) in lines("shared/src/flows") {
        let is_own = |flow: &String| {
            let path = format!("shared/src/flows/{flow}");
            place.starts_with(&format!("{path}/")) || place.starts_with(&format!("{path}.rs:"))
        };
        let is_used = |flow: &String| ["super::", "flows::"].iter().any(|by| line.contains(&format!("{by}{flow}")));
        let used = flows.iter().filter(|flow| !is_own(flow) && is_used(flow));
        broken.extend(used.map(|flow| format!("{place} uses {flow}")));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The folders of functions.
pub(super) fn functions() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn a_function_knows_the_shared_library_and_no_other_function() {
    let names: Vec<_> = functions().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for folder in functions() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        let of = |name: &str| {
            dependencies
                .lines()
                .any(|line| line.starts_with(&format!("{name}.")) || line.starts_with(&format!("{name} ")))
        };
        assert!(of("fanfare"), "{}", folder.display());
        for stranger in names.iter().map(String::as_str).chain(["fanfare-local", "fanfare-engines"]) {
            assert!(!of(stranger), "{} depends on {stranger}", folder.display());
        }
        let sdk = dependencies.lines().find(|line| line.starts_with("aws-sdk") || line.starts_with("aws-config"));
        assert_eq!(sdk, None, "{}: calls to AWS are made by the rooms of shared", folder.display());
    }
}

#[test]
fn the_rules_notice_what_they_forbid() {
    assert!(names("use http::Method;", "http::") && names("    http::StatusCode::OK", "http::"));
    assert!(names("use aws_sdk_sqs::Client;", "aws_sdk"));
    assert!(!names("use crate::http::Problem;", "http::") && !names("use xhttp::Y;", "http::"));
    assert!(names("use crate::store::{Store};", "crate::store"));
}
