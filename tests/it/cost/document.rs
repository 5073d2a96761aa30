//! `docs/COST.md` says what is counted and reckoned: its tables stand between marks, and are made anew here.

use fanfare_local::cli::cost::bill::{Basis, bill};
use fanfare_local::cli::cost::document::{USUAL, running_usd_per_million, tables};
use fanfare_local::cli::cost::load::Load;

use super::is_rewriting;
use crate::harness::process::root;

const DOCUMENT: &str = "docs/COST.md";

/// The document with its tables as they are now.
fn renewed(document: &str, basis: &Basis) -> String {
    let mut renewed = document.to_owned();
    for (name, table) in tables(basis) {
        let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
        let from = renewed.find(&begin).unwrap_or_else(|| panic!("{DOCUMENT} has no {begin}")) + begin.len();
        let to = from + renewed[from..].find(&end).unwrap_or_else(|| panic!("{DOCUMENT} has no {end}"));
        renewed.replace_range(from..to, &table);
    }
    renewed
}

#[test]
fn the_document_says_what_is_counted_and_reckoned() {
    let path = root().join(DOCUMENT);
    let document = std::fs::read_to_string(&path).unwrap();
    let renewed = renewed(&document, &Basis::committed().unwrap());
    if is_rewriting() {
        std::fs::write(path, renewed).unwrap();
        return;
    }
    let differ = renewed.lines().zip(document.lines()).find(|(now, then)| now != then);
    assert!(renewed == document, "{DOCUMENT} is not true any more; FANFARE_COST_REWRITE=1 writes it anew: {differ:?}");
}

/// What we hold ourselves to: a million messages of a kilobyte for one endpoint, as `docs/COST.md` explains it.
#[test]
fn a_million_messages_cost_no_more_than_we_say() {
    let basis = Basis::committed().unwrap();
    let running = |load: &Load| running_usd_per_million(&bill(&basis, load));
    let (one, ten) = (running(&USUAL), running(&Load { batch: 10.0, ..USUAL }));
    assert!(one <= ONE_BY_ONE_USD_MAX, "one by one: {one:.2}");
    assert!(ten <= IN_BATCHES_USD_MAX, "in batches of ten: {ten:.2}");
    assert!(bill(&basis, &Load { messages: 0.0, ..USUAL }).usd() <= IDLE_USD_MAX);
}

const ONE_BY_ONE_USD_MAX: f64 = 7.5;
const IN_BATCHES_USD_MAX: f64 = 5.6;
const IDLE_USD_MAX: f64 = 9.5;
