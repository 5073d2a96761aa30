//! A bill, as a table or as JSON.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use super::bill::{Basis, Bill, always_on_usd, api_destinations_usd, break_even};
use super::load::Load;
use super::numbers::{dollars, plain, short};
use super::prices::Price;

pub(super) struct Report<'a> {
    pub(super) basis: &'a Basis,
    pub(super) load: &'a Load,
    pub(super) bill: &'a Bill,
    pub(super) is_free_tier: bool,
}

impl Report<'_> {
    fn prices_of(&self, name: &str) -> Option<&Price> {
        self.basis.table.prices.all().into_iter().find(|(of, _)| *of == name).map(|(_, price)| price)
    }

    pub(super) fn text(&self) -> String {
        let parts = [self.heading(), self.lines(), self.totals(), self.others(), self.assumptions()];
        parts.join("\n\n")
    }

    fn heading(&self) -> String {
        let Load { messages, endpoints, bytes, failure, import, inbound, batch, .. } = *self.load;
        let percent = |share: f64| format!("{}%", plain(share * 100.0));
        let mut text = format!(
            "{} messages a month of {}B, {} endpoint(s) each, {} of attempts fail, {} deliveries in a batch",
            short(messages),
            short(bytes),
            plain(endpoints),
            percent(failure),
            plain(batch)
        );
        for (share, what) in [(import, "from files"), (inbound, "from providers of webhooks")] {
            if share > 0.0 {
                text.push_str(&format!(", {} {what}", percent(share)));
            }
        }
        if self.load.is_sealed {
            text.push_str(", payloads sealed");
        }
        let free = if self.is_free_tier { "free tier taken off" } else { "without free tier" };
        format!("{text}\nlist prices of {}, {}, US dollars, {free}", self.basis.table.region, self.basis.table.date)
    }

    fn lines(&self) -> String {
        let mut table = table(&["service", "what", "for a message", "a month", "price", "$ a month"]);
        for line in &self.bill.lines {
            let price = self.prices_of(line.price);
            let price = price.map_or(String::new(), |price| {
                let mark = if price.verified { "" } else { " †" };
                match price.per {
                    1.0 => format!("{} a {}{mark}", price.usd, price.unit),
                    per => format!("{} for {} {}{mark}", price.usd, short(per), plural(&price.unit)),
                }
            });
            let per_message = line.units_per_message.map_or("always".to_owned(), small);
            let row = [line.service, line.what, &per_message, &short(line.units), &price, &dollars(line.usd)];
            table.add_row(row);
        }
        table.to_string()
    }

    fn totals(&self) -> String {
        let mut table = table(&["", "$"]);
        let kept = self.bill.usd_of(&["table_storage", "table_recovery", "bucket_storage"]);
        table.add_row(["a month", &dollars(self.bill.usd())]);
        table.add_row(["  of this when nothing happens", &dollars(self.bill.idle_usd())]);
        let kept_text = format!("  of this for keeping messages {} days", plain(self.load.kept_days));
        table.add_row([&*kept_text, &dollars(kept)]);
        if self.load.messages > 0.0 {
            table.add_row(["a million messages", &dollars(self.bill.usd_per_million())]);
            let running = self.bill.usd_per_million() - kept / self.load.messages * 1e6;
            table.add_row(["  without keeping them", &dollars(running)]);
        }
        table.to_string()
    }

    fn others(&self) -> String {
        let mut table = table(&["the same elsewhere", "$ a month", "costs as much at"]);
        for always_on in &self.basis.table.always_on {
            let usd = always_on_usd(self.basis, always_on.usd(), self.load);
            let name = format!("always on: {}", always_on.name);
            let even = break_even(self.basis, always_on.usd(), self.load);
            let even = even.map_or("never".to_owned(), |messages| format!("{} messages a month", short(messages)));
            table.add_row([&*name, &dollars(usd), &even]);
        }
        let usd = api_destinations_usd(self.basis, self.load);
        table.add_row(["EventBridge with API destinations, alone", &dollars(usd), ""]);
        table.to_string()
    }

    fn assumptions(&self) -> String {
        let mut table = table(&["assumed, not counted", "", ""]);
        for (name, assumption) in self.basis.table.assumed.all() {
            table.add_row([name, &plain(assumption.value), &assumption.why]);
        }
        format!("{table}\n\n† not verified on the day of the price list")
    }

    pub(super) fn json(&self) -> String {
        let always_on = self.basis.table.always_on.iter().map(|always_on| {
            json!({
                "name": always_on.name,
                "usd": always_on_usd(self.basis, always_on.usd(), self.load),
                "break_even_messages": break_even(self.basis, always_on.usd(), self.load),
            })
        });
        let assumed = self.basis.table.assumed.all().into_iter();
        let assumed: serde_json::Map<String, Value> =
            assumed.map(|(name, assumption)| (name.to_owned(), json!(assumption.value))).collect();
        json!({
            "region": self.basis.table.region,
            "prices_of": self.basis.table.date,
            "free_tier": self.is_free_tier,
            "messages": self.load.messages,
            "usd": self.bill.usd(),
            "usd_idle": self.bill.idle_usd(),
            "usd_per_million": self.bill.usd_per_million(),
            "lines": self.bill.lines,
            "always_on": always_on.collect::<Vec<_>>(),
            "api_destinations_usd": api_destinations_usd(self.basis, self.load),
            "assumed": assumed,
        })
        .to_string()
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for (index, name) in header.iter().enumerate() {
        if let (Some(column), true) = (table.column_mut(index), name.starts_with(['$', 'f']) || *name == "a month") {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// `request of up to 64 KB` as `requests of up to 64 KB`.
fn plural(unit: &str) -> String {
    let end = unit.find([' ', '-', ',']).unwrap_or(unit.len());
    let (first, rest) = unit.split_at(end);
    let ending = if first.ends_with(|c: char| c.is_ascii_uppercase()) { "" } else { "s" };
    format!("{first}{ending}{rest}")
}

/// Units of one message, which may be as few as some bytes of a gigabyte.
fn small(units: f64) -> String {
    if units.abs() < 1e-4 { format!("{units:.1e}") } else { plain(units) }
}
