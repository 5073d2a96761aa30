//! The tables of `docs/COST.md`.

use std::collections::BTreeMap;

use super::bill::{Basis, bill};
use super::counted::Counted;
use super::load::Load;
use super::numbers::{dollars, plain, short};
use super::usage::Usage;

/// The load that others are changes of: messages of a kilobyte for one endpoint that answers, one by one.
pub const USUAL: Load = Load {
    messages: 10e6,
    endpoints: 1.0,
    bytes: 1_000.0,
    failure: 0.0,
    import: 0.0,
    inbound: 0.0,
    batch: 1.0,
    receiver_ms: 200.0,
    organizations: 1.0,
    kept_days: 90.0,
    is_sealed: false,
};

/// Each generated table, by the name it has in the document.
pub fn tables(basis: &Basis) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("counted", counted(&basis.counted)),
        ("sizes", sizes(&basis.counted)),
        ("loads", loads(basis)),
        ("lines", lines(basis)),
        ("idle", idle(basis)),
        ("assumed", assumed(basis)),
        ("prices", prices(basis)),
    ])
}

const COUNTED_HEAD: &str = "\
| scenario | calls | write units: table + index | read units | queue requests | logged |
|---|---|---|---|---|---|
";

fn counted(counted: &Counted) -> String {
    let kilobyte = counted.plain.iter().find(|of_size| of_size.bytes == 1_000);
    let kilobyte = kilobyte.map(|of_size| {
        [
            ("publish, nobody wants it", &of_size.publish_none),
            ("publish, one endpoint", &of_size.publish_one),
            ("publish, five endpoints", &of_size.publish_five),
            ("import, each record, one endpoint", &of_size.import_record),
            ("deliver, one alone", &of_size.deliver_one),
            ("deliver, ten of ten applications", &of_size.deliver_ten),
        ]
    });
    let sealed = counted.sealed.iter().find(|of_size| of_size.bytes == 1_000);
    let sealed = sealed.map(|of_size| {
        [("publish, sealed", &of_size.publish_one), ("deliver, one alone, sealed", &of_size.deliver_one)]
    });
    let rows = kilobyte.into_iter().flatten().chain(sealed.into_iter().flatten()).chain(counted.scenarios.all());
    COUNTED_HEAD.to_owned() + &rows.map(|(what, usage)| row(what, usage)).collect::<String>()
}

fn row(what: &str, usage: &Usage) -> String {
    let calls: Vec<_> = usage.calls.iter().map(|(name, count)| format!("{} {name}", plain(*count))).collect();
    let calls = if calls.is_empty() { "none".to_owned() } else { calls.join(", ") };
    let writes = format!("{} + {}", plain(usage.table_writes), plain(usage.index_writes));
    let (reads, requests) = (plain(usage.reads), plain(usage.queue_requests));
    let logged = match usage.log_lines {
        0.0 => "nothing".to_owned(),
        lines => format!("{} B in {}", plain(usage.log_bytes), plain(lines)),
    };
    format!("| {what} | {calls} | {writes} | {reads} | {requests} | {logged} |\n")
}

fn sizes(counted: &Counted) -> String {
    let mut text = "\
| payload | publish: writes + index, queue, S3 | deliver alone: writes + index, reads, queue, S3 | stored: table + index |
|---|---|---|---|
"
    .to_owned();
    for of_size in &counted.plain {
        let (publish, deliver) = (&of_size.publish_one, &of_size.deliver_one);
        let stored = publish.clone() + deliver;
        text.push_str(&format!(
            "| {}B | {} + {}, {}, {} | {} + {}, {}, {}, {} | {} + {} B |\n",
            short(of_size.bytes as f64),
            plain(publish.table_writes),
            plain(publish.index_writes),
            plain(publish.queue_requests),
            plain(publish.puts),
            plain(deliver.table_writes),
            plain(deliver.index_writes),
            plain(deliver.reads),
            plain(deliver.queue_requests),
            plain(deliver.gets),
            plain(stored.table_bytes),
            plain(stored.index_bytes),
        ));
    }
    text
}

fn loads(basis: &Basis) -> String {
    let loads = [
        ("one endpoint, one by one", USUAL),
        ("the same, in batches of ten", Load { batch: 10.0, ..USUAL }),
        ("1.3 endpoints, 2 % of attempts fail", Load { endpoints: 1.3, failure: 0.02, ..USUAL }),
        ("the same, in batches of ten", Load { endpoints: 1.3, failure: 0.02, batch: 10.0, ..USUAL }),
        ("five endpoints, batches of five", Load { endpoints: 5.0, batch: 5.0, ..USUAL }),
        ("4 KB", Load { bytes: 4_000.0, ..USUAL }),
        ("64 KB", Load { bytes: 64_000.0, ..USUAL }),
        ("300 KB", Load { bytes: 300_000.0, ..USUAL }),
        ("from files, batches of ten", Load { import: 1.0, batch: 10.0, ..USUAL }),
        ("webhooks from outside", Load { inbound: 1.0, ..USUAL }),
        ("payloads sealed", Load { is_sealed: true, ..USUAL }),
        ("a third of attempts fail", Load { failure: 1.0 / 3.0, ..USUAL }),
        ("receivers take 1.5 s", Load { receiver_ms: 1_500.0, ..USUAL }),
        ("kept 7 days", Load { kept_days: 7.0, ..USUAL }),
        ("a thousand organizations", Load { organizations: 1_000.0, ..USUAL }),
    ];
    let mut text =
        "| load | $ for a million messages | without keeping them | $ a month for 10 million |\n|---|---|---|---|\n"
            .to_owned();
    for (what, load) in loads {
        let bill = bill(basis, &load);
        let running = running_usd_per_million(&bill);
        let all = dollars(bill.usd_per_million());
        text.push_str(&format!("| {what} | {all} | {} | {} |\n", dollars(running), dollars(bill.usd())));
    }
    text
}

/// Dollars for a million messages, what keeps them left out.
pub fn running_usd_per_million(bill: &super::bill::Bill) -> f64 {
    let kept = bill.usd_of(&["table_storage", "table_recovery", "bucket_storage"]);
    bill.usd_per_million() - kept / bill.messages * 1e6
}

fn lines(basis: &Basis) -> String {
    let one = bill(basis, &USUAL);
    let ten = bill(basis, &Load { batch: 10.0, ..USUAL });
    let mut text =
        "| service | what | one by one, $ for a million | in batches of ten |\n|---|---|---|---|\n".to_owned();
    for line in one.lines.iter().filter(|line| line.units_per_message.is_some()) {
        let same = ten.lines.iter().find(|other| (other.service, other.what) == (line.service, line.what));
        let million = |usd: f64| format!("{:.3}", usd / USUAL.messages * 1e6);
        let ten = same.map_or("0".to_owned(), |line| million(line.usd));
        text.push_str(&format!("| {} | {} | {} | {ten} |\n", line.service, line.what, million(line.usd)));
    }
    text + &format!("| | **all** | **{:.2}** | **{:.2}** |\n", one.usd_per_million(), ten.usd_per_million())
}

fn idle(basis: &Basis) -> String {
    let bill = bill(basis, &Load { messages: 0.0, ..USUAL });
    let mut text = "| service | what | units a month | $ a month |\n|---|---|---|---|\n".to_owned();
    for line in bill.lines.iter().filter(|line| line.units_per_message.is_none()) {
        text.push_str(&format!("| {} | {} | {} | {:.2} |\n", line.service, line.what, short(line.units), line.usd));
    }
    text + &format!("| | **all** | | **{:.2}** |\n", bill.idle_usd())
}

fn assumed(basis: &Basis) -> String {
    let rows = basis.table.assumed.all().into_iter();
    let rows =
        rows.map(|(name, assumption)| format!("| `{name}` | {} | {} |\n", plain(assumption.value), assumption.why));
    "| | | why |\n|---|---|---|\n".to_owned() + &rows.collect::<String>()
}

fn prices(basis: &Basis) -> String {
    let rows = basis.table.prices.all().into_iter().map(|(name, price)| {
        let mark = if price.verified { "" } else { "not verified" };
        let per = if price.per == 1.0 { price.unit.clone() } else { format!("{} × {}", short(price.per), price.unit) };
        format!("| `{name}` | {} | {per} | {} | {mark} |\n", price.usd, price.source)
    });
    "| price | $ | for | source | |\n|---|---|---|---|---|\n".to_owned() + &rows.collect::<String>()
}
