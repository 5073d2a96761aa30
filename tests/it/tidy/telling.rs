//! What operators are told: the fields of log lines, the metrics and the way to each of them in `docs/OPERATING.md`.

use std::collections::BTreeSet;

use fanfare::telemetry::{FIELDS_OF_CONTEXT, METRICS};

use crate::harness::process::{files_under, root};

const MACROS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

fn operating() -> String {
    std::fs::read_to_string(root().join("docs/OPERATING.md")).unwrap()
}

/// The first cells of the table rows of a chapter, which are names in back quotes.
fn documented(chapter: &str) -> BTreeSet<String> {
    let text = operating();
    let from = text.find(&format!("\n## {chapter}\n")).unwrap() + 1;
    let chapter = text[from..].split("\n## ").next().unwrap();
    let name = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    chapter.lines().filter_map(name).collect()
}

/// The fields of all log lines of what is deployed.
fn used() -> BTreeSet<String> {
    let files = ["shared/src", "functions"].into_iter().flat_map(|part| files_under(&root().join(part)));
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    sources.flat_map(|file| fields(&std::fs::read_to_string(file).unwrap())).collect()
}

/// The fields of the log lines in a source.
fn fields(source: &str) -> Vec<String> {
    let mut fields = Vec::new();
    for level in MACROS {
        for (_, call) in source.split(&format!("tracing::{level}!(")).enumerate().skip(1) {
            let parts = parts(call).into_iter();
            let names = parts.map(|part| part.split('=').next().unwrap().trim().trim_matches(['%', '?']).to_owned());
            fields.extend(names.filter(|name| !name.is_empty()));
        }
    }
    fields
}

/// The arguments of a call, up to its closing parenthesis; text in quotes is left out.
fn parts(call: &str) -> Vec<String> {
    let (mut parts, mut depth, mut is_text, mut is_escaped) = (vec![String::new()], 0, false, false);
    for c in call.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            ')' if depth == 0 => return parts,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            c => parts.last_mut().unwrap().push(c),
        }
    }
    parts
}

#[test]
fn every_field_of_a_log_line_is_documented_and_every_documented_one_is_there() {
    let used = used();
    let of_context: BTreeSet<_> = FIELDS_OF_CONTEXT.into_iter().map(str::to_owned).collect();
    assert_eq!(used.intersection(&of_context).collect::<Vec<_>>(), Vec::<&String>::new(), "twice in one line");
    let all: BTreeSet<_> = used.union(&of_context).cloned().collect();
    let documented = documented("Logs");
    let of = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!((of(&all, &documented), of(&documented, &all)), (vec![], vec![]), "(not documented, not there)");
}

#[test]
fn every_metric_is_documented_as_the_code_has_it() {
    let text = operating();
    for metric in METRICS {
        let row = format!("| `{}` | {} | {} |", metric.name, metric.unit.as_str(), metric.meaning);
        assert!(text.contains(&row), "docs/OPERATING.md has no row {row}");
    }
    assert_eq!(documented("Metrics").len(), METRICS.len(), "a metric that nobody counts");
}

#[test]
fn every_metric_is_counted_somewhere() {
    let files = files_under(&root().join("shared/src")).into_iter().chain(files_under(&root().join("functions")));
    let sources = files.filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let text: String = sources.map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for metric in METRICS {
        assert!(text.contains(&format!("Metric::{}", metric.name)), "{} is never counted", metric.name);
    }
}

#[test]
fn fields_are_found_however_they_are_written() {
    let source = r#"
        tracing::warn!(message.id = %task.of(a, "x, y)"), error = fault.chain(), "text, with a comma = and ) one");
        tracing::debug!(reason, %error, ?outcome, "text");
        tracing::info!("nothing");
    "#;
    let mut found = fields(source);
    found.sort();
    assert_eq!(found, ["error", "error", "message.id", "outcome", "reason"]);
}
