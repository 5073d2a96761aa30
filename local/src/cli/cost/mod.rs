//! `fanfare cost`: what a load costs on AWS, a month.
//!
//! Calls and units are those that a test counts at the wire ([`counted`]), prices and assumptions stand in one file ([`prices`]),
//! sizes and numbers of things come from the template that is deployed ([`stack`]). [`load`] says how often what happens, [`bill`]
//! multiplies. `docs/COST.md` is made with the same ([`document`]).

mod args;
pub mod bill;
pub mod counted;
pub mod document;
pub mod load;
pub mod numbers;
pub mod prices;
mod report;
pub mod stack;
pub mod usage;

use std::process::ExitCode;

use anyhow::Context as _;

pub(super) use args::CostArgs;

use super::terminal::say;
use bill::{Basis, bill};
use counted::Counted;
use prices::PriceTable;
use stack::Stack;

pub(super) fn run(args: CostArgs) -> anyhow::Result<ExitCode> {
    let mut basis = Basis::committed()?;
    let load = args.load(&mut basis.table.assumed)?;
    let of_load = bill(&basis, &load);
    let of_load = if args.free_tier { of_load.with_free_tier(&basis.table.free) } else { of_load };
    let report = report::Report { basis: &basis, load: &load, bill: &of_load, is_free_tier: args.free_tier };
    say(&if args.json { report.json() } else { report.text() });
    Ok(ExitCode::SUCCESS)
}

impl Basis {
    /// As it is committed.
    pub fn committed() -> anyhow::Result<Self> {
        Ok(Self {
            counted: Counted::committed().context("reading what was counted")?,
            table: PriceTable::committed().context("reading the prices")?,
            stack: Stack::deployed().context("reading the template")?,
        })
    }
}
